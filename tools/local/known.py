"""What Dapr's components take: the versions of each type, and the names of its metadata.

`known-components.json` is an extract of the sources of Dapr, of names alone, and of the types alone that our component files use.
`python -m tools.local.known` renews it from the Go modules that a build of Dapr has left on this machine.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("known-components.json")
PINNED = Path(__file__).parents[1] / "dapr/runtime/go.mod"
MODULES = Path.home() / "go/pkg/mod/github.com/dapr"
FIRST_VERSIONS = ("v0", "v1")
"""A type that has no versions of its own takes either (dapr/dapr, components.IsInitialVersion)."""

READ_BY_DAPRD: Mapping[str, tuple[str, ...]] = {
    "state": ("actorStateStore", "keyPrefix", "primaryEncryptionKey", "secondaryEncryptionKey"),
    "bindings": ("direction", "route"),
}
"""By building block, what daprd itself takes."""

PROFILES: Mapping[str, tuple[str, ...]] = {
    "aws": (
        *("region", "accessKey", "secretKey", "sessionToken", "assumeRoleArn"),
        *("awsRegion", "awsAccessKey", "awsSecretKey", "awsSessionToken", "awsIamRoleArn"),
    ),
    "azuread": (
        *("azureTenantId", "azureClientId", "azureClientSecret", "azureEnvironment", "useAzureAD"),
        *("azureCertificate", "azureCertificateFile", "azureCertificatePassword"),
    ),
}
"""What a component takes that signs in by a profile which the metadata files name and do not spell out."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a component of one type may say."""

    versions: tuple[str, ...]
    names: tuple[str, ...]


def known_forms() -> Mapping[str, Form]:
    """By type."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return {kind: Form(tuple(form["versions"]), tuple(form["names"])) for kind, form in content.items()}


def source_of(module: str) -> Path:
    """Where a build leaves the pinned version of a module of Dapr's."""
    match = re.search(rf"\bgithub\.com/dapr/{module} (\S+)", PINNED.read_text(encoding="utf-8"))
    assert match is not None, module
    return MODULES / f"{module}@{match[1]}"


def extract(types: Iterable[str]) -> Mapping[str, Form]:
    """The forms of these types, out of the sources. Raises: OSError where they are not."""
    versions = _registered_versions()
    names: dict[str, set[str]] = {kind: set() for kind in sorted(types)}
    for file in source_of("components-contrib").rglob("metadata.yaml"):
        text = file.read_text(encoding="utf-8").replace("\t", " ")
        kind = ".".join(re.findall(r"^(?:type|name): (\S+)", text, re.MULTILINE))
        if kind in names:
            names[kind] |= _names_of(yaml.safe_load(text))
    return {kind: Form(versions[kind], tuple(sorted(found))) for kind, found in names.items()}


def _registered_versions() -> dict[str, tuple[str, ...]]:
    found = {}
    for file in (source_of("dapr") / "cmd/daprd/components").iterdir():
        text = file.read_text(encoding="utf-8")
        for call in re.split(r"(?=\b\w+Loader\.)", text)[1:]:
            names = re.findall(r'(?<!Version: )(?<!Default: )"([\w.]+)"', call)
            versions = re.findall(r'Version: "(v\d+)"', call) or FIRST_VERSIONS
            block = call.partition("Loader")[0]
            found.update({f"{block}.{name}": tuple(sorted(versions)) for name in names})
    return found


def _names_of(content: Mapping[str, Any]) -> set[str]:
    names = set(_names(content.get("metadata") or ()))
    for profile in content.get("authenticationProfiles") or ():
        names.update(_names(profile.get("metadata") or ()))
    for profile in content.get("builtinAuthenticationProfiles") or ():
        names.update(_names(profile.get("metadata") or ()), PROFILES[profile["name"]])
    return names.union(READ_BY_DAPRD.get(content["type"], ()))


def _names(fields: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for field in fields:
        yield field["name"]
        yield from field.get("aliases") or ()


if __name__ == "__main__":
    from tools.local.components import read_components
    from tools.local.home import PROJECT

    used = read_components(sorted((PROJECT / "components").iterdir()))[0]
    forms = extract({component.type for component in used})
    FILE.write_text(json.dumps({kind: asdict(form) for kind, form in forms.items()}) + "\n", encoding="utf-8")

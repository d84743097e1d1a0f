"""Reads Dapr's component files as far as a mistake in them can be told before a sidecar meets it."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.local.errors import LocalError
from tools.local.known import Form, known_forms

SERVER = frozenset({"redishost", "connectionstring", "endpoints", "brokers", "natsurl", "vaultaddr"})
"""Metadata that says where a server is, in lower case."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component file: what it says, which app may see it, and which secrets it wants, as (secret, key).

    `servers` are the places of its servers, each as it stands in the file or as the secret that has it.
    """

    name: str
    type: str
    version: str
    metadata: tuple[str, ...]
    scopes: tuple[str, ...]
    secrets: tuple[tuple[str, str], ...]
    servers: tuple[str | tuple[str, str], ...]
    file: Path


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a file; `subject` is the component where that is known, else the file's name."""

    subject: str
    what: str

    def __str__(self) -> str:
        return f"component {self.subject}: {self.what}"


def read_components(folders: Iterable[Path]) -> tuple[list[Component], list[Mistake]]:
    """The components of these folders, as a sidecar that is given the same folders would find them."""
    components: list[Component] = []
    mistakes: list[Mistake] = []
    for folder in folders:
        if not folder.is_dir():
            mistakes.append(Mistake(folder.name, f"the folder {folder} is missing"))
        for file in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
            try:
                for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                    if isinstance(document, dict) and document.get("kind") == "Component":
                        components.append(_component(document, file))
            except yaml.YAMLError as error:
                mistakes.append(Mistake(file.name, f"{file} is not YAML: {' '.join(str(error).split())}"))
            except KeyError as error:
                mistakes.append(Mistake(file.name, f"{file} is not a component: {error} is missing"))
            except (TypeError, AttributeError):
                mistakes.append(Mistake(file.name, f"{file} is not a component: a list or a mapping is misplaced"))
    return components, mistakes


def find_mistakes(
    components: Iterable[Component], *, app_ids: frozenset[str], secrets: Mapping[str, Mapping[str, Any]] | None
) -> Iterator[Mistake]:
    """Names given twice, scopes of no app, what its type does not know, and secrets that the shop does not have.

    `secrets` is None where it has none yet. A type that is not among `known_forms` is left to the sidecar.
    """
    seen: dict[str, Path] = {}
    forms = known_forms()
    for component in components:
        if component.name in seen:
            yield Mistake(component.name, f"{component.file} and {seen[component.name]} both define it")
        seen[component.name] = component.file
        for app_id in sorted(set(component.scopes) - app_ids):
            yield Mistake(component.name, f"its scope {app_id} is no app of dapr.yaml ({component.file})")
        if form := forms.get(component.type):
            for what in _unknown(component, form):
                yield Mistake(component.name, f"{what} ({component.file})")
        for secret, key in component.secrets:
            if secrets is not None and not secrets.get(secret, {}).get(key):
                yield Mistake(
                    component.name, f"the secret {secret}/{key} that it wants is not there ({component.file})"
                )


def _unknown(component: Component, form: Form) -> Iterator[str]:
    if component.version not in form.versions:
        yield f"{component.type} has no version {component.version}, but {' and '.join(form.versions)}"
    names = {name.lower(): name for name in form.names}  # Dapr looks for them without regard to case
    for name in component.metadata:
        if name.lower() not in names:
            near = difflib.get_close_matches(name.lower(), names, n=1)
            hint = f"; is it {names[near[0]]}?" if near else ""
            yield f"{component.type} knows no metadata {name}{hint}"


def require_sound(
    folders: Iterable[Path], *, app_ids: frozenset[str], secrets: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raises: LocalError with every mistake that a start would run into, a line each."""
    components, mistakes = read_components(folders)
    mistakes += find_mistakes(components, app_ids=app_ids, secrets=secrets)
    if mistakes:
        raise LocalError("\n       ".join(map(str, mistakes)))


def _component(document: Mapping[str, Any], file: Path) -> Component:
    spec = document["spec"]
    items = spec.get("metadata") or ()
    wanted = {item["name"]: _secret(item["secretKeyRef"]) for item in items if "secretKeyRef" in item}
    servers = (wanted.get(item["name"]) or str(item["value"]) for item in items if item["name"].lower() in SERVER)
    return Component(
        name=document["metadata"]["name"],
        type=spec["type"],
        version=str(spec.get("version") or "v1"),
        metadata=tuple(item["name"] for item in items),
        scopes=tuple(document.get("scopes") or ()),
        secrets=tuple(wanted.values()),
        servers=tuple(servers),
        file=file,
    )


def _secret(reference: Mapping[str, str]) -> tuple[str, str]:
    return reference["name"], reference.get("key", reference["name"])

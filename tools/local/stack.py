"""Which technology stands behind each capability: what dapr.yaml says, or what a command's words change of it."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

from tools.local.errors import LocalError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "state": ("postgres", "etcd", "redis", "mongodb"),
    "pubsub": ("redis", "kafka", "nats"),
    "secrets": ("file", "vault"),
    "cache": ("redis", "postgres"),
    "names": ("sqlite", "consul"),
}
FOLDER = re.compile(r"components/(?P<capability>state|pubsub|secrets|cache)-(?P<technology>[a-z]+)$")
SERVERS: Mapping[str, tuple[str, ...]] = {
    "etcd": ("etcd-1", "etcd-2", "etcd-3"),
    "postgres": ("postgres",),
    "redis": ("redis",),
    "kafka": ("kafka",),
    "nats": ("nats",),
    "vault": ("openbao",),
    "consul": ("consul",),
}
"""The back ends that a technology needs of us."""

OWN_SERVERS = "PLAZA_SERVERS"
"""The JSON file of a user who runs servers already: by technology, the secret that says where that is, in place of one that we start."""
GIVEN_BY_OTHERS = ("postgres", "redis", "etcd", "kafka", "nats", "mongodb")


def own_servers() -> Mapping[str, Mapping[str, str]]:
    """What that file says; nothing without one. Raises: LocalError when it cannot be read or names what is not known."""
    path = os.environ.get(OWN_SERVERS)
    if not path:
        return {}
    try:
        content: dict[str, dict[str, str]] = json.loads(Path(path).read_text(encoding="utf-8"))
        unknown = sorted(set(content) - set(GIVEN_BY_OTHERS))
    except (OSError, ValueError, TypeError) as error:
        raise LocalError(f"{OWN_SERVERS} names {path}, which cannot be read: {error}.") from error
    if unknown:
        raise LocalError(f"{path} names {', '.join(unknown)}: choose from {', '.join(GIVEN_BY_OTHERS)}.")
    return content


@dataclass(frozen=True, slots=True)
class Stack:
    """One technology a capability; the words are those of the folders under components/, and of config/names/."""

    state: str = "postgres"
    pubsub: str = "redis"
    secrets: str = "file"
    cache: str = "redis"
    names: str = "sqlite"

    def __str__(self) -> str:
        return " ".join(f"{field.name.upper()}={getattr(self, field.name)}" for field in fields(self))

    @classmethod
    def of_folders(cls, folders: Iterable[str], *, names: str) -> Self:
        """The stack whose component folders these are. Raises: LocalError on one that is not known."""
        found = {match["capability"]: match["technology"] for path in folders if (match := FOLDER.search(path))}
        return cls(**found, names=names)._checked()

    def with_words(self, words: Iterable[str]) -> Self:
        """The stack with `PUBSUB=kafka` and the like applied. Raises: LocalError on a word that is not known."""
        changed = self
        for word in words:
            name, _, technology = word.partition("=")
            if name.lower() not in CHOICES or name != name.upper():
                known = ", ".join(f"{capability.upper()}=…" for capability in CHOICES)
                raise LocalError(f"{word!r} is not known: choose with {known}.")
            changed = replace(changed, **{name.lower(): technology})
        return changed._checked()

    @property
    def folders(self) -> Mapping[str, str]:
        """By capability, the folder of its component files."""
        return {
            capability: f"components/{capability}-{getattr(self, capability)}"
            for capability in CHOICES
            if capability != "names"
        }

    @property
    def servers(self) -> tuple[str, ...]:
        """The back ends that we must start for it, beside Dapr's own and the mail sink."""
        chosen = dict.fromkeys(getattr(self, field.name) for field in fields(self))
        given = own_servers()
        return tuple(server for one in chosen if one not in given for server in SERVERS.get(one, ()))

    def _checked(self) -> Self:
        for capability, technologies in CHOICES.items():
            if getattr(self, capability) not in technologies:
                raise LocalError(
                    f"{capability.upper()}={getattr(self, capability)} is not known: choose from {', '.join(technologies)}."
                )
        return self

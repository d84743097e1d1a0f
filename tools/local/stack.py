"""Which technology stands behind each capability: what dapr.yaml says, or what a command's words change of it."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from tools.local.errors import LocalError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "state": ("postgres", "etcd", "redis", "mongodb"),
    "pubsub": ("redis", "kafka", "nats"),
    "secrets": ("file", "vault"),
    "cache": ("redis", "postgres"),
    "names": ("sqlite", "consul"),
}
FOLDER = re.compile(r"components/(?P<capability>state|pubsub|secrets|cache)-(?P<technology>[a-z]+)$")
FORMER_FOLDER = re.compile(r"components/former-pubsub-(?P<technology>[a-z]+)$")
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
    own: tuple[tuple[str, "Stack"], ...] = ()
    """By app id, the stacks of apps that have component folders of their own."""

    former_brokers: tuple[str, ...] = ()
    """Brokers of an earlier start, from which what they still hold is read."""

    def __str__(self) -> str:
        own = (f"{app_id}: {stack._words()}" for app_id, stack in self.own)
        former = (f"still reading from {broker}" for broker in self.former_brokers)
        return ", ".join((self._words(), *own, *former))

    @classmethod
    def of_folders(cls, folders: Iterable[str], *, names: str) -> Self:
        """The stack whose component folders these are. Raises: LocalError on one that is not known."""
        paths = tuple(folders)
        found: dict[str, Any] = {
            match["capability"]: match["technology"] for path in paths if (match := FOLDER.search(path))
        }
        former = tuple(match["technology"] for path in paths if (match := FORMER_FOLDER.search(path)))
        return cls(**found, names=names, former_brokers=former)._checked()

    def with_words(self, words: Iterable[str]) -> Self:
        """The stack with `PUBSUB=kafka` and the like applied; an app that has a technology of its own keeps it.

        Raises: LocalError on a word that is not known.
        """
        changed = self
        for word in words:
            name, _, technology = word.partition("=")
            if name.lower() not in CHOICES or name != name.upper():
                known = ", ".join(f"{capability.upper()}=…" for capability in CHOICES)
                raise LocalError(f"{word!r} is not known: choose with {known}.")
            changed = changed._with(name.lower(), technology)
        return changed._checked()

    @property
    def folders(self) -> Mapping[str, str]:
        """By capability, the folder of its component files."""
        return {
            capability: f"components/{capability}-{getattr(self, capability)}"
            for capability in CHOICES
            if capability != "names"
        }

    def of(self, app_id: str) -> "Stack":
        """What stands behind one app."""
        return dict(self.own).get(app_id, self)

    @property
    def states(self) -> frozenset[str]:
        """Every technology that keeps records."""
        return frozenset(stack.state for stack in self._stacks)

    @property
    def brokers(self) -> frozenset[str]:
        """Every technology that events are published on."""
        return frozenset(stack.pubsub for stack in self._stacks)

    @property
    def servers(self) -> tuple[str, ...]:
        """The back ends that we must start for it, beside Dapr's own and the mail sink."""
        chosen = [getattr(stack, capability) for stack in self._stacks for capability in CHOICES]
        needed, given = dict.fromkeys((*chosen, *self.former_brokers)), own_servers()
        return tuple(server for one in needed if one not in given for server in SERVERS.get(one, ()))

    @property
    def _stacks(self) -> tuple["Stack", ...]:
        return (self, *dict(self.own).values())

    def _with(self, capability: str, technology: str) -> Self:
        own = (
            (
                app_id,
                stack._with(capability, technology)
                if getattr(stack, capability) == getattr(self, capability)
                else stack,
            )
            for app_id, stack in self.own
        )
        return replace(self, **{capability: technology, "own": tuple(own)})  # type: ignore[arg-type]

    def _words(self) -> str:
        return " ".join(f"{capability.upper()}={getattr(self, capability)}" for capability in CHOICES)

    def _checked(self) -> Self:
        for capability, technologies in CHOICES.items():
            if getattr(self, capability) not in technologies:
                raise LocalError(
                    f"{capability.upper()}={getattr(self, capability)} is not known: choose from {', '.join(technologies)}."
                )
        return self

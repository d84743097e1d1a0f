"""Remembers which brokers a shop had lately, so that events which were left behind in one are read from it beside the new one."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tools.local.atomic import write_atomically
from tools.local.home import Home

READ_ON_SECONDS = 24 * 3600.0
"""How long after a change: an event that its consumer refuses is tried for minutes, and a consumer may be away for longer."""


def formers(home: Home, brokers: Iterable[str]) -> tuple[str, ...]:
    """Technologies that this home has as a broker no more, now that it has `brokers`, and had until READ_ON_SECONDS ago at most."""
    since = time.time() - READ_ON_SECONDS
    return tuple(sorted(name for name, given_up_at in _given_up(home, brokers).items() if given_up_at > since))


def remember(home: Home, brokers: Iterable[str]) -> None:
    """The home is started with these brokers."""
    now = list(brokers)
    write_atomically(_file(home), json.dumps({"brokers": now, "given_up_at": _given_up(home, now)}))


def write_components(directory: Path, technology: str) -> Path:
    """In `directory`, which has components/ and config/: a folder by which consumers read what is left in a former broker.

    The components have names of their own, by which config/resiliency is taught to treat them as it does the present ones.
    """
    folder = directory / "components" / f"former-pubsub-{technology}"
    folder.mkdir()
    names = {}
    for source in (directory / "components" / f"pubsub-{technology}").glob("*.yaml"):
        component = yaml.safe_load(source.read_text())
        name = component["metadata"]["name"]
        component["metadata"]["name"] = names[name] = f"{name}-on-{technology}"
        (folder / source.name).write_text(yaml.safe_dump(component, sort_keys=False))
    for source in (directory / "config" / "subscriptions").glob("*.yaml"):
        (folder / f"subscriptions-{source.name}").write_text(
            yaml.safe_dump_all(
                _renamed(subscription, names, technology) for subscription in yaml.safe_load_all(source.read_text())
            )
        )
    for file in (directory / "config" / "resiliency").glob("*.yaml"):
        resiliency = yaml.safe_load(file.read_text())
        targets = resiliency["spec"]["targets"]["components"]
        targets |= {new: targets[old] for old, new in names.items() if old in targets}
        file.write_text(yaml.safe_dump(resiliency, sort_keys=False))
    return folder


def _renamed(subscription: dict[str, Any], names: dict[str, str], technology: str) -> dict[str, Any]:
    subscription["metadata"]["name"] += f"-on-{technology}"
    subscription["spec"]["pubsubname"] = names[subscription["spec"]["pubsubname"]]
    return subscription


def _file(home: Home) -> Path:
    return home.root / "brokers.json"


def _given_up(home: Home, brokers: Iterable[str]) -> dict[str, float]:
    """When each broker was given up that the home had and is not among `brokers`: now, where that is new."""
    try:
        kept = json.loads(_file(home).read_text())
    except FileNotFoundError:
        return {}
    given_up = {**dict.fromkeys(kept["brokers"], time.time()), **kept["given_up_at"]}
    return {name: at for name, at in given_up.items() if name not in set(brokers)}

"""Reads dapr.yaml, and derives a copy of it for a shop whose home or ports are not the ones written there.

The root file is used as it is wherever it fits, so that `make run` and a hand-typed `dapr run -f .` are the same thing.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tools.local.errors import LocalError
from tools.local.former import formers
from tools.local.former import write_components as write_former
from tools.local.home import PROJECT, Home
from tools.local.ports import BACKEND_PORTS, find_free_offset, shift
from tools.local.stack import FOLDER, Stack

COPIED_DIRECTORIES = ("components", "config")
PORT_KEYS = ("appPort", "daprHTTPPort", "daprGRPCPort", "daprInternalGRPCPort", "metricsPort")
LOOPBACK_ADDRESS = re.compile(r"(?P<host>127\.0\.0\.1|localhost):(?P<port>\d+)\b")
DEFAULT_HOME_PATH = re.compile(r"(?<![\w/.-])(?:\./)?\.plaza(?![\w.-])")
GATEWAY = "gateway"
ANOTHER_FILE = "STACK="


@dataclass(frozen=True, slots=True)
class App:
    """One app and its sidecar, as the run file has them."""

    app_id: str
    app_port: int
    dapr_http_port: int
    other_ports: tuple[int, ...]

    @property
    def named_ports(self) -> dict[str, int]:
        sidecar = f"{self.app_id}'s sidecar"
        return {
            self.app_id: self.app_port,
            f"{sidecar} (HTTP)": self.dapr_http_port,
            **{f"{sidecar} ({port})": port for port in self.other_ports},
        }


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file that `dapr run -f` takes, with what else we need to know of it."""

    path: Path
    apps: tuple[App, ...]
    stack: Stack
    resources: tuple[Path, ...] = ()
    own_resources: tuple[tuple[Path, ...], ...] = ()
    """The folders of each app that has others than the rest."""

    @property
    def gateway_port(self) -> int:
        for app in self.apps:
            if app.app_id == GATEWAY:
                return app.app_port
        raise LocalError(f"{self.path} has no app {GATEWAY}: nothing would serve the API.")

    @property
    def all_resources(self) -> tuple[tuple[Path, ...], ...]:
        """The folders that the apps have in common, and then those of each app that has its own."""
        return (self.resources, *self.own_resources)

    @property
    def named_ports(self) -> dict[str, int]:
        return {name: port for app in self.apps for name, port in app.named_ports.items()}


def read_run_file(path: Path) -> RunFile:
    """Raises: LocalError when the file is missing or is not a run file."""
    content = _load(path)
    try:
        apps = content["apps"]
        names = _load(path.parent / apps[0]["configFilePath"])["spec"]["nameResolution"]["component"]
        common = content["common"]["resourcesPaths"]
        own = {entry["appID"]: entry["resourcesPaths"] for entry in apps if "resourcesPaths" in entry}
        stack = replace(
            Stack.of_folders(common, names=names),
            own=tuple((app_id, Stack.of_folders(folders, names=names)) for app_id, folders in own.items()),
        )
        resources, *others = (tuple(path.parent / folder for folder in paths) for paths in (common, *own.values()))
        return RunFile(path, tuple(_app(entry) for entry in apps), stack, resources, tuple(others))
    except (KeyError, TypeError) as error:
        raise LocalError(f"{path} is not a run file with ports for every app: {error!r}.") from error


def offset_of_another_shop(source: Path = PROJECT / "dapr.yaml") -> int:
    """How far the ports of a shop beside others must be moved. Raises: LocalError when no room is left."""
    return find_free_offset(read_run_file(source).named_ports)


def choose_run_file(source: Path, words: Iterable[str]) -> tuple[Path, tuple[str, ...]]:
    """The run file beside `source` that a word such as `STACK=mix` names (dapr.mix.yaml), `source` without one; and the other words.

    Raises: LocalError when there is no such file.
    """
    rest = []
    for word in words:
        if not word.startswith(ANOTHER_FILE):
            rest.append(word)
            continue
        name = word.removeprefix(ANOTHER_FILE)
        source = source.with_name(f"dapr.{name}.yaml")
        if not source.is_file():
            raise LocalError(f"{word} is not known: there is no {source.name}.")
    return source, tuple(rest)


def chosen_stack(source: Path, words: Iterable[str]) -> Stack:
    """What `words` make of the stack in `source`. Raises: LocalError on a word that is not known."""
    path, rest = choose_run_file(source, words)
    return read_run_file(path).stack.with_words(rest)


def fitting_run_file(
    source: Path, home: Home, *, port_offset: int, gateway_port: int | None, words: Iterable[str] = ()
) -> RunFile:
    """The source itself when it fits this home, these ports and the stack that `words` ask for, or a copy derived from it.

    A home that had another broker lately gets its consumers back to what is left there.
    Raises: LocalError, also on a word that is not known.
    """
    source, words = choose_run_file(source, words)
    run_file = read_run_file(source)
    stack = run_file.stack.with_words(words)
    stack = replace(stack, former_brokers=formers(home, stack.brokers))
    wanted_gateway_port = gateway_port or shift(run_file.gateway_port, port_offset)
    if (
        home.is_default
        and port_offset == 0
        and wanted_gateway_port == run_file.gateway_port
        and stack == run_file.stack
    ):
        shutil.rmtree(home.dapr, ignore_errors=True)  # of an earlier start that needed a copy
        return run_file
    known = set(BACKEND_PORTS.values()) | _app_ports(_load(source))
    ports = {port: shift(port, port_offset) for port in known}
    ports[run_file.gateway_port] = wanted_gateway_port
    return read_run_file(_derive(source, home, ports, run_file.stack, stack))


def _derive(source: Path, home: Home, ports: Mapping[int, int], written: Stack, wanted: Stack) -> Path:
    project = source.parent
    shutil.rmtree(home.dapr, ignore_errors=True)
    home.dapr.mkdir(parents=True)
    for name in COPIED_DIRECTORIES:
        if (project / name).is_dir():
            shutil.copytree(project / name, home.dapr / name)
    for file in home.dapr.rglob("*.y*ml"):
        file.write_text(_move(file.read_text(), home, ports))
    if wanted.names != written.names:
        _resolve_names(home, wanted)
    content = yaml.safe_load(_move(source.read_text(), home, ports))
    former = [str(write_former(home.dapr, name).relative_to(home.dapr)) for name in wanted.former_brokers]
    content["common"]["resourcesPaths"] = _chosen(content["common"]["resourcesPaths"], wanted) + former
    for entry in content["apps"]:
        if "resourcesPaths" in entry:
            entry["resourcesPaths"] = _chosen(entry["resourcesPaths"], wanted.of(entry["appID"])) + former
        entry["appDirPath"] = "."
        entry.update({key: ports[entry[key]] for key in PORT_KEYS if key in entry})
        program = entry["command"][0]
        if "/" in program:
            entry["command"][0] = str(project / program)
        # Apps run beside their derived files, where their logs go too; their code stays where it is.
        entry.setdefault("env", {})["PYTHONPATH"] = str(project)
    derived = home.dapr / source.name
    derived.write_text(yaml.safe_dump(content, sort_keys=False))
    return derived


def _chosen(paths: list[str], stack: Stack) -> list[str]:
    return [stack.folders[match["capability"]] if (match := FOLDER.search(path)) else path for path in paths]


def _resolve_names(home: Home, wanted: Stack) -> None:
    """Writes the wanted way into the derived configuration of every sidecar."""
    resolution = _load(home.dapr / "config" / "names" / f"{wanted.names}.yaml")
    for file in (home.dapr / "config" / "apps").glob("*.yaml"):
        configuration = _load(file)
        configuration["spec"]["nameResolution"] = resolution
        file.write_text(yaml.safe_dump(configuration, sort_keys=False))


def _move(text: str, home: Home, ports: Mapping[int, int]) -> str:
    """Only addresses move: a bare number may be anything, a time to live of 3600 seconds for one."""

    def address(match: re.Match[str]) -> str:
        port = int(match["port"])
        return f"{match['host']}:{ports.get(port, port)}"

    return DEFAULT_HOME_PATH.sub(str(home.root), LOOPBACK_ADDRESS.sub(address, text))


def _app_ports(content: Mapping[str, Any]) -> set[int]:
    return {entry[key] for entry in content["apps"] for key in PORT_KEYS if key in entry}


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise LocalError(f"{path} is missing: run this in a complete clone.") from None
    except yaml.YAMLError as error:
        raise LocalError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise LocalError(f"{path} is not a run file.")
    return content


def _app(entry: Mapping[str, Any]) -> App:
    others = (entry[key] for key in PORT_KEYS[2:] if key in entry)
    return App(entry["appID"], entry["appPort"], entry["daprHTTPPort"], tuple(others))

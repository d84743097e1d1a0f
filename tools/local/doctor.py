"""`make doctor`: looks at everything that a start stands on, changes nothing, and says what is wrong and what to do."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tools.dapr import DaprBinaries, ObtainError, find_obtained
from tools.dapr.pins import read_pins
from tools.local.backends import BACKENDS, needed
from tools.local.components import find_mistakes, read_components
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.ports import BACKEND_PORTS, BackendPorts, answers, require_free
from tools.local.processes import ProcessTable
from tools.local.reach import POSTGRES_PORT, accepts, addresses
from tools.local.run_file import RunFile
from tools.local.stack import Stack, own_servers
from tools.obtain.versions import parse_version, require_version

SDK = ("dapr", "dapr-ext-fastapi", "dapr-ext-workflow")
TOKENS = ("APP_API_TOKEN", "DAPR_API_TOKEN")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report; `wrong` says what is the matter, empty when nothing is."""

    subject: str
    found: str
    wrong: str = ""


def examine(home: Home, run_file: RunFile, ports: BackendPorts) -> Iterator[Check]:
    """Every check, in the order in which a start would meet them."""
    yield from _versions()
    yield Check("stack", str(run_file.stack))
    yield from _components(home, run_file)
    yield from _tokens(home)
    yield from _own_servers(run_file.stack)
    yield from _ports(home, run_file, ports)


def _versions() -> Iterator[Check]:
    sdk: dict[str, str] = {}
    for package in SDK:
        try:
            sdk[package] = version(package)
        except PackageNotFoundError:
            yield Check(package, "", "not installed: run 'make venv'")
    try:
        yield from fit(sdk, find_obtained(lambda _: None))
    except ObtainError as error:
        yield Check("Dapr", "", str(error))


def fit(sdk: Mapping[str, str], dapr: DaprBinaries | None) -> Iterator[Check]:
    """Whether the packages of the SDK (version by name) and the programs fit each other, which is when they are of one minor version."""
    if len(set(sdk.values())) > 1:
        yield Check("Dapr SDK", "", f"its packages differ: {', '.join(map(' '.join, sdk.items()))}; run 'make venv'")
    elif sdk:
        yield Check("Dapr SDK", next(iter(sdk.values())))
    if dapr is None:
        yield Check("Dapr", "not there yet: the first 'make run' obtains it")
        return
    named = f"{dapr.runtime_version}, CLI {dapr.cli_version} ({dapr.origin}): {dapr.directory}"
    wrong = []
    minors = {found[:2] for text in (dapr.runtime_version, sdk.get("dapr", "")) if (found := parse_version(text))}
    if len(minors) > 1:
        wrong.append(f"the SDK is {sdk['dapr']}: take the same minor version")
    oldest = read_pins().minimum
    wrong += [
        f"{name} must be {least} at least"
        for name, text, least in (
            ("the runtime", dapr.runtime_version, oldest.runtime),
            ("the CLI", dapr.cli_version, oldest.cli),
        )
        if (parse_version(text) or (0, 0, 0)) < require_version(least)
    ]
    yield Check("Dapr", named, f"{named}, and {', and '.join(wrong)}" if wrong else "")


def _components(home: Home, run_file: RunFile) -> Iterator[Check]:
    try:
        secrets = json.loads(home.secrets.read_text())
    except FileNotFoundError:
        secrets = None
    except ValueError as error:
        yield Check("secrets", "", f"{home.secrets} is not JSON: {error}")
        secrets = None
    app_ids = frozenset(app.app_id for app in run_file.apps)
    shown: set[Path] = set()
    for folders in run_file.all_resources:
        components, mistakes = read_components(folders)
        mistakes += find_mistakes(components, app_ids=app_ids, secrets=secrets)
        wrong: dict[str, list[str]] = {}
        for mistake in mistakes:
            wrong.setdefault(mistake.subject, []).append(mistake.what)
        for component in components:
            told = "; ".join(wrong.get(component.name, ()))
            if component.file not in shown or told:
                shown.add(component.file)
                found = f"{component.type}, for {', '.join(component.scopes) or 'all apps'}"
                yield Check(f"component {component.name}", found, told)
        for subject in wrong.keys() - {component.name for component in components}:
            yield Check(f"component {subject}", "", "; ".join(wrong[subject]))


def _tokens(home: Home) -> Iterator[Check]:
    file = home.root / "api-tokens.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    for name in TOKENS:
        told = os.environ.get(name)
        if told and kept.get(name) not in (None, told):
            yield Check(name, "", f"this shell has another than {file}: '. {home.env}' gives it the one of this shop")
        elif told:
            yield Check(name, "set in this shell")
        elif name in kept:
            yield Check(name, f"kept in {file}; a hand-typed 'dapr run' wants '. {home.env}' first")
        elif kept:
            yield Check(name, "", f"{file} has none: delete that file, and the next start makes both")
        else:
            yield Check(name, "not made yet: the first start makes it")


def _ports(home: Home, run_file: RunFile, ports: BackendPorts) -> Iterator[Check]:
    table = ProcessTable(home.root)
    running = {name for name in BACKENDS if table.find(name)}
    wanted = needed(run_file.stack)
    is_serving = home.run_json.exists()
    for name in BACKENDS:
        own = {port: ports[port] for port in BACKEND_PORTS if port.split()[0] == name}
        if name in running:
            yield Check(name, "runs and answers", _silent(home, name, own.get(name)))
        elif name in wanted:
            yield Check(name, "does not run; its ports are free", _taken(own))
    if is_serving:
        silent = [app.app_id for app in run_file.apps if not answers(app.app_port)]
        yield Check("apps", "all answer", f"{', '.join(silent)} do not answer, though the shop runs" if silent else "")
    else:
        yield Check("apps", "do not run; their ports are free", _taken(run_file.named_ports))


def _silent(home: Home, name: str, port: int | None) -> str:
    if name == "postgres":
        sockets = str(home.postgres_socket_directory)
        return "" if accepts(sockets, POSTGRES_PORT) else f"runs, but does not answer at its socket in {sockets}"
    return "" if port is None or answers(port) else f"runs, but port {port} does not answer"


def _own_servers(stack: Stack) -> Iterator[Check]:
    """Those of the user, where the stack uses them."""
    chosen = stack.states | stack.brokers | {stack.cache, *stack.former_brokers}
    for technology, secret in own_servers().items():
        places = list(addresses(secret.values()))
        silent = [f"{host}:{port}" for host, port in places if not accepts(host, port)]
        found = f"your own: {', '.join(f'{host}:{port}' for host, port in places)}"
        if technology in chosen:
            wrong = f"your own at {', '.join(silent)} does not answer" if silent else ""
            yield Check(technology, found, wrong if places else "your own, with no address in its secret")


def _taken(named_ports: Mapping[str, int]) -> str:
    try:
        require_free(named_ports)
    except LocalError as error:
        return str(error)
    return ""


def written(checks: Sequence[Check]) -> str:
    """A line for each check, the wrong ones marked."""
    width = max(len(check.subject) for check in checks)
    return "\n".join(
        f"{'WRONG' if check.wrong else 'ok':5}  {check.subject:{width}}  {check.wrong or check.found}"
        for check in checks
    )

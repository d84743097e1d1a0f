"""`make doctor`: looks at everything that a start stands on, changes nothing, and says what is wrong and what to do."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tools.dapr import ObtainError, find_obtained
from tools.local.backends import BACKENDS, needed
from tools.local.components import find_mistakes, read_components
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.ports import BACKEND_PORTS, BackendPorts, answers, require_free
from tools.local.processes import ProcessTable
from tools.local.run_file import RunFile
from tools.obtain.versions import parse_version

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
    yield from _versions(home)
    yield Check("stack", str(run_file.stack))
    yield from _components(home, run_file)
    yield from _tokens(home)
    yield from _ports(home, run_file, ports)


def _versions(home: Home) -> Iterator[Check]:
    sdk: dict[str, str] = {}
    for package in SDK:
        try:
            sdk[package] = version(package)
        except PackageNotFoundError:
            yield Check(package, "", "not installed: run 'make venv'")
    if len(set(sdk.values())) > 1:
        yield Check("Dapr SDK", "", f"its packages differ: {sdk}; run 'make venv'")
    elif sdk:
        yield Check("Dapr SDK", next(iter(sdk.values())))
    try:
        dapr = find_obtained(lambda _: None)
    except ObtainError as error:
        yield Check("Dapr", "", str(error))
        return
    if dapr is None:
        yield Check("Dapr", "not there yet: the first 'make run' obtains it")
        return
    named = f"{dapr.runtime_version}, CLI {dapr.cli_version} ({dapr.origin}): {dapr.directory}"
    minors = {found[:2] for text in (dapr.runtime_version, sdk.get("dapr", "")) if (found := parse_version(text))}
    differ = len(minors) > 1
    yield Check("Dapr", named, f"{named}, and the SDK is {sdk['dapr']}: take the same minor version" if differ else "")


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
    for folders in (run_file.resources, *run_file.own_resources):
        components, mistakes = read_components(folders)
        mistakes += find_mistakes(components, app_ids=app_ids, secrets=secrets)
        wrong = {mistake.subject: mistake.what for mistake in mistakes}
        for component in components:
            mistake = wrong.pop(component.name, "")
            if component.file not in shown or mistake:
                shown.add(component.file)
                found = f"{component.type}, for {', '.join(component.scopes) or 'all apps'}"
                yield Check(f"component {component.name}", found, mistake)
        for subject, what in wrong.items():
            yield Check(f"component {subject}", "", what)


def _tokens(home: Home) -> Iterator[Check]:
    kept = home.root / "api-tokens.json"
    for name in TOKENS:
        if os.environ.get(name):
            yield Check(name, "set in this shell")
        elif kept.exists():
            yield Check(name, f"kept in {kept}; a hand-typed 'dapr run' wants '. {home.env}' first")
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
            silent = [f"{port} ({number})" for port, number in own.items() if port == name and not answers(number)]
            yield Check(name, "runs and answers", f"runs, but {', '.join(silent)} does not answer" if silent else "")
        elif name in wanted:
            yield Check(name, "does not run; its ports are free", _taken(own))
    if is_serving:
        silent = [app.app_id for app in run_file.apps if not answers(app.app_port)]
        yield Check("apps", "all answer", f"{', '.join(silent)} do not answer, though the shop runs" if silent else "")
    else:
        yield Check("apps", "do not run; their ports are free", _taken(run_file.named_ports))


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

"""`make doctor` sees each thing that it says it looks at: a wrong one of each is found, and a right one is not called wrong."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tools.dapr import DaprBinaries
from tools.local.doctor import Check, examine, fit, written
from tools.local.home import PROJECT, Home
from tools.local.ports import BackendPorts
from tools.local.processes import ProcessTable, Record
from tools.local.run_file import RunFile, fitting_run_file, offset_of_another_shop
from tools.local.secret_file import ensure_api_tokens, ensure_secrets
from tools.local.stack import OWN_SERVERS

ROOT_FILE = PROJECT / "dapr.yaml"
SDK = {"dapr": "1.18.3", "dapr-ext-fastapi": "1.18.3", "dapr-ext-workflow": "1.18.3"}
DAPR = DaprBinaries(Path("/bin"), Path("/"), "1.18.2", "1.16.5", "build")


class Patient:
    """A shop that was never started, and what the doctor says of it."""

    def __init__(self, home: Home) -> None:
        self.home, self.offset = home, offset_of_another_shop()
        self.ports = BackendPorts(self.offset)
        self.run_file: RunFile = fitting_run_file(ROOT_FILE, home, port_offset=self.offset, gateway_port=None)

    def look(self) -> dict[str, Check]:
        return {check.subject: check for check in examine(self.home, self.run_file, self.ports)}

    def wrong(self) -> dict[str, str]:
        return {subject: check.wrong for subject, check in self.look().items() if check.wrong}


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    for name in ("APP_API_TOKEN", "DAPR_API_TOKEN", OWN_SERVERS):
        monkeypatch.delenv(name, raising=False)
    home = Home(tmp_path / "home")
    home.create()
    return Patient(home)


@pytest.fixture
def sleeper() -> Iterator[psutil.Process]:
    """A process that listens nowhere."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def told(sdk: dict[str, str], dapr: DaprBinaries | None) -> dict[str, str]:
    return {check.subject: check.wrong for check in fit(sdk, dapr)}


def test_a_shop_that_may_be_started_has_nothing_wrong(patient: Patient) -> None:
    checks = patient.look()
    assert patient.wrong() == {}
    assert {"Dapr SDK", "Dapr", "stack", "APP_API_TOKEN", "DAPR_API_TOKEN", "postgres", "redis", "apps"} <= set(checks)
    assert checks["component cache"].found == "state.redis, for catalog"
    assert written(list(checks.values())).count("WRONG") == 0


def test_versions_that_fit_are_told() -> None:
    assert told(SDK, DAPR) == {"Dapr SDK": "", "Dapr": ""}
    assert told(SDK, None) == {"Dapr SDK": "", "Dapr": ""}


@pytest.mark.parametrize(
    ("sdk", "dapr", "subject", "wrong"),
    [
        ({**SDK, "dapr": "1.17.1"}, None, "Dapr SDK", "its packages differ: dapr 1.17.1, dapr-ext-fastapi 1.18.3"),
        (SDK, replace(DAPR, runtime_version="1.19.0"), "Dapr", "and the SDK is 1.18.3: take the same minor version"),
        (SDK, replace(DAPR, runtime_version="1.17.9"), "Dapr", "and the runtime must be 1.18.0 at least"),
        (SDK, replace(DAPR, cli_version="1.15.0"), "Dapr", "and the CLI must be 1.16.0 at least"),
    ],
)
def test_versions_that_do_not_fit_are_told(
    sdk: dict[str, str], dapr: DaprBinaries | None, subject: str, wrong: str
) -> None:
    assert wrong in told(sdk, dapr)[subject]


@pytest.mark.parametrize(
    ("pattern", "replacement", "wrong"),
    [
        ("scopes: [catalog]", "scopes: [katalog]", "its scope katalog is no app of dapr.yaml"),
        ("version: v1\n  ", "version: v9\n  ", "state.redis has no version v9"),
        ("name: redisHost", "name: redisHorst", "state.redis knows no metadata redisHorst; is it redisHost?"),
        ("key: password", "key: passwort", "the secret redis/passwort that it wants is not there"),
        ("name: cache", "name: pubsub", ""),
    ],
)
def test_a_wrong_component_is_told(patient: Patient, pattern: str, replacement: str, wrong: str) -> None:
    ensure_secrets(patient.home, patient.ports)
    file = patient.home.dapr / "components/cache-redis/cache.yaml"
    text = file.read_text()
    assert pattern in text
    file.write_text(text.replace(pattern, replacement, 1))

    subject = "component cache" if wrong else "component pubsub"
    assert (wrong or "both define it") in patient.wrong()[subject]


def test_tokens_are_told_apart(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert patient.look()["APP_API_TOKEN"].found == "not made yet: the first start makes it"

    tokens = ensure_api_tokens(patient.home)
    assert "kept in" in patient.look()["APP_API_TOKEN"].found
    monkeypatch.setenv("APP_API_TOKEN", tokens["APP_API_TOKEN"])
    assert patient.look()["APP_API_TOKEN"].found == "set in this shell"
    monkeypatch.setenv("APP_API_TOKEN", "of another shop")
    assert "this shell has another than" in patient.wrong()["APP_API_TOKEN"]

    (patient.home.root / "api-tokens.json").write_text(json.dumps({"APP_API_TOKEN": "of another shop"}))
    assert list(patient.wrong()) == ["DAPR_API_TOKEN"]


@pytest.mark.parametrize("name", ["redis", "gateway"])
def test_a_taken_port_is_told_with_its_holder(patient: Patient, name: str) -> None:
    port = patient.run_file.gateway_port if name == "gateway" else patient.ports[name]
    with socket.create_server(("127.0.0.1", port)):
        subject = "apps" if name == "gateway" else name
        assert patient.wrong() == {subject: patient.wrong()[subject]}
        assert f"Port {port} (for {name}) is taken by" in patient.wrong()[subject]
        assert f"(pid {os.getpid()})" in patient.wrong()[subject]


def test_a_server_that_runs_and_does_not_answer_is_told(patient: Patient, sleeper: psutil.Process) -> None:
    table = ProcessTable(patient.home.root)
    table.put(Record.of("redis", sleeper))
    table.put(Record.of("postgres", sleeper))
    port = patient.ports["redis"]

    wrong = patient.wrong()
    assert wrong["redis"] == f"runs, but port {port} does not answer"
    assert wrong["postgres"].startswith("runs, but does not answer at its socket in ")

    with socket.create_server(("127.0.0.1", port)), socket.socket(socket.AF_UNIX) as listener:
        sockets = patient.home.postgres_socket_directory
        sockets.mkdir(parents=True, exist_ok=True)
        listener.bind(str(sockets / ".s.PGSQL.5432"))
        listener.listen()
        assert patient.wrong() == {}
        assert patient.look()["redis"].found == "runs and answers"
    shutil.rmtree(sockets)


def test_apps_that_do_not_answer_while_the_shop_runs_are_told(patient: Patient) -> None:
    patient.home.run_json.write_text("{}")
    assert patient.wrong()["apps"].startswith("gateway, users, catalog, ")


def test_a_server_of_the_users_own_is_looked_for(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        file = tmp_path / "servers.json"
        file.write_text(
            json.dumps(
                {"redis": {"host": f"127.0.0.1:{port}", "password": "sesame"}, "nats": {"url": "nats://127.0.0.1:9"}}
            )
        )
        monkeypatch.setenv(OWN_SERVERS, str(file))
        assert patient.wrong() == {}
        assert patient.look()["redis"].found == f"your own: 127.0.0.1:{port}"
    assert patient.wrong() == {"redis": f"your own at 127.0.0.1:{port} does not answer"}
    assert "sesame" not in written(list(patient.look().values()))

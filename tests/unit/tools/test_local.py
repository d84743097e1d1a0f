"""Two shops never meet: not in a port, not in a file, not in a process; and what a person must mend is told in one line."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from tools.local.backends import in_parallel
from tools.local.diagnosis import explain_app
from tools.local.environment import base_environment, shop_environment
from tools.local.errors import LocalError
from tools.local.home import DEFAULT_HOME, PROJECT, Home
from tools.local.logs import app_log
from tools.local.pip_settings import uv_settings
from tools.local.ports import BACKEND_PORTS, FIRST_EPHEMERAL_PORT, BackendPorts, require_free, shift
from tools.local.processes import MARK, ProcessTable, Record, stop
from tools.local.run_file import fitting_run_file, read_run_file
from tools.local.secret_file import ensure_api_tokens, ensure_secrets
from tools.local.shopper import timeline

ROOT_FILE = PROJECT / "dapr.yaml"
SLEEPER = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


@pytest.mark.parametrize("offset", [10_000, 11_000, 23_000])
def test_a_moved_shop_shares_no_port_with_the_first_and_keeps_out_of_the_ephemeral_range(offset: int) -> None:
    ports = [*BACKEND_PORTS.values(), *read_run_file(ROOT_FILE).named_ports.values()]
    moved = [shift(port, offset) for port in ports]
    assert len(set(moved)) == len(ports) == len(set(ports))
    assert not set(moved) & set(ports)
    assert max(moved) < FIRST_EPHEMERAL_PORT


def test_the_root_run_file_serves_the_default_shop_as_it_is() -> None:
    assert fitting_run_file(ROOT_FILE, Home(DEFAULT_HOME), port_offset=0, gateway_port=None).path == ROOT_FILE


def test_another_port_for_the_gateway_moves_nothing_else(home: Home) -> None:
    original = read_run_file(ROOT_FILE).named_ports
    moved = fitting_run_file(ROOT_FILE, home, port_offset=0, gateway_port=9999).named_ports
    assert moved == {**original, "gateway": 9999}


def test_a_derived_shop_reads_its_own_files_and_none_of_the_default_home(home: Home) -> None:
    derived = fitting_run_file(ROOT_FILE, home, port_offset=11_000, gateway_port=None)
    content = yaml.safe_load(derived.path.read_text())
    assert content["common"]["placementHostAddress"] == f"127.0.0.1:{BackendPorts(11_000)['placement']}"
    assert {entry["env"]["PYTHONPATH"] for entry in content["apps"]} == {str(PROJECT)}
    texts = [file.read_text() for file in home.dapr.rglob("*.yaml")]
    assert len(texts) > 10
    assert not [text for text in texts if ".plaza" in text]
    store = yaml.safe_load((home.dapr / "components/secrets-file/secretstore.yaml").read_text())
    assert store["spec"]["metadata"][0]["value"] == str(home.secrets)


def test_keys_outlive_a_start_and_addresses_follow_the_ports(home: Home) -> None:
    first, tokens = ensure_secrets(home, BackendPorts(0)), ensure_api_tokens(home)
    second = ensure_secrets(home, BackendPorts(11_000))
    assert second["redis"] == {"host": "127.0.0.1:17390", "password": first["redis"]["password"]}
    for name in ("private-store", "admin", "token-signing"):
        assert second[name] == first[name]
    assert ensure_api_tokens(home) == tokens
    assert not set(tokens.values()) & set(home.secrets.read_text().split('"'))
    assert home.secrets.stat().st_mode & 0o077 == 0


def test_a_broken_secrets_file_is_never_replaced(home: Home) -> None:
    home.secrets.write_text("{")
    with pytest.raises(LocalError, match="is not JSON"):
        ensure_secrets(home, BackendPorts(0))
    assert home.secrets.read_text() == "{"


def test_a_taken_port_is_told_with_its_holder_and_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            LocalError, match=rf"Port {port} \(for gateway\) is taken by .*{os.getpid()}.*PLAZA_PORT=8081"
        ):
            require_free({"gateway": port})


def test_a_shop_is_held_by_one_process(home: Home) -> None:
    with home.locked():
        assert home.find_holder_pid() == os.getpid()
        with pytest.raises(LocalError, match=f"already running \\(pid {os.getpid()}\\)"), home.locked():
            pass
    assert home.find_holder_pid() is None


def test_a_process_is_ended_by_its_mark_and_a_strangers_is_not(home: Home) -> None:
    stranger = subprocess.Popen(SLEEPER, env={**os.environ, MARK: f"{home.root}-2"})
    try:
        table = ProcessTable(home.root)
        ours = table.start("sleeper", SLEEPER, log=home.logs / "s.log", environment=os.environ, directory=home.root)
        assert [process.pid for process in table.list_marked()] == [ours.pid]
        found = table.find("sleeper")
        assert found is not None
        assert found.pid == ours.pid
        stop(table.list_marked())
        table.reap()
        assert ours.returncode == -signal.SIGTERM
        assert table.find("sleeper") is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_pid_that_was_given_away_is_not_ours() -> None:
    me = psutil.Process()
    assert Record.of("me", me).find() == me
    assert Record("me", me.pid, me.create_time() - 60).find() is None


def test_all_of_a_parallel_start_ends_before_the_first_failure_is_told() -> None:
    done: list[str] = []

    def fail() -> None:
        raise LocalError("no")

    with pytest.raises(LocalError, match="no"):
        in_parallel([fail, lambda: done.append("slow")])
    assert done == ["slow"]


def test_the_cause_of_a_dead_app_is_the_end_of_its_traceback(home: Home) -> None:
    app_log(home.logs, "orders").write_text(
        "== APP - orders == Traceback\n== APP - orders == ValueError: no port\nThe App process exited with error code: 1\n"
    )
    assert "Traceback / ValueError: no port (" in explain_app(home.logs, "orders")


def test_pips_mirror_is_uvs_unless_uv_has_one(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\ntimeout = 60\n")
    environment = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path), "PIP_TIMEOUT": "9"}
    found = uv_settings(environment)
    assert (found["UV_DEFAULT_INDEX"], found["UV_HTTP_TIMEOUT"]) == ("https://mirror.example/simple", "9")
    assert "UV_DEFAULT_INDEX" not in uv_settings({**environment, "UV_INDEX_URL": "https://own.example"})


def test_the_timeline_tells_the_time_between_statuses() -> None:
    entries = [("draft", "12:00:01.200"), ("confirmed", "12:00:01.331"), ("paid", "12:00:02.331")]
    order = {"timeline": [{"status": status, "at": f"2026-11-24T{at}+00:00"} for status, at in entries]}
    assert timeline(order) == "draft 12:00:01.200 → confirmed +131 ms → paid +1000 ms"


def test_the_demo_catalogue_is_what_the_issue_asks_for() -> None:
    products = json.loads((PROJECT / "tools/local/catalogue.json").read_text())
    assert len({product["sku"] for product in products}) == len(products) > 100
    assert len({product["category"] for product in products}) > 3
    assert {frozenset(product["stock"]) for product in products} == {frozenset({"east", "west"})}


def test_go_programs_use_one_core_unless_the_environment_says_otherwise(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.ca_certificate.parent.mkdir(parents=True, exist_ok=True)
    home.ca_certificate.write_text("anchors")
    monkeypatch.delenv("GOMAXPROCS", raising=False)
    assert shop_environment(home, {}, base_environment())["GOMAXPROCS"] == "1"
    monkeypatch.setenv("GOMAXPROCS", "4")
    assert shop_environment(home, {}, base_environment())["GOMAXPROCS"] == "4"
    assert base_environment({"GOMAXPROCS": "3"})["GOMAXPROCS"] == "3"

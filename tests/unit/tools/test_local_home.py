"""Home: a socket path that fits the kernel, files that are whole or old, and a run.json and logs that tell the truth."""

import json
import os
import stat
from pathlib import Path

import pytest

from tools.local.atomic import write_atomically
from tools.local.diagnosis import explain_app, has_ended
from tools.local.errors import LocalError
from tools.local.etcd import etcd
from tools.local.home import SOCKET_PATH_LIMIT_BYTES, Home
from tools.local.logs import app_log, forget_old_runs, link_newest
from tools.local.ports import BackendPorts
from tools.local.run_file import App, RunFile, read_run_file
from tools.local.run_json import write_run_json
from tools.local.secret_file import ensure_secrets
from tools.local.sidecars import Pair
from tools.local.stack import Stack


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


def test_secrets_that_someone_added_stay(home: Home) -> None:
    home.secrets.write_text(json.dumps({"stripe": {"key": "sk_test"}, "admin": {"PLAZA_ADMIN_PASSWORD": "chosen"}}))

    found = ensure_secrets(home, BackendPorts())

    assert found["stripe"] == {"key": "sk_test"}
    assert found["admin"]["PLAZA_ADMIN_PASSWORD"] == "chosen"


def test_a_long_home_gets_a_short_socket_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    one, other = Home(tmp_path / ("x" * 120)), Home(tmp_path / ("y" * 120))

    directories = {one.postgres_socket_directory, other.postgres_socket_directory}

    assert len(directories) == 2
    assert all(len(os.fsencode(path / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT_BYTES for path in directories)


def test_a_home_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalError, match="set PLAZA_HOME"):
        Home(tmp_path / "file" / "home").create()


def test_a_failed_replacement_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "half \ud800")

    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_run_json_tells_null_for_what_is_dead(home: Home) -> None:
    run_file = RunFile(home.root / "dapr.yaml", (App("gateway", 8080, 3500, (3600, 3700)),), Stack())

    write_run_json(
        home,
        run_file=run_file,
        pairs={"gateway": Pair()},
        admin={"email": "a@b.example", "password": "p", "more": "x"},
        backends={"redis": {"pid": 7, "port": 6390}},
    )

    assert json.loads(home.run_json.read_text()) == {
        "gateway_url": "http://127.0.0.1:8080",
        "admin": {"email": "a@b.example", "password": "p"},
        "apps": {"gateway": {"app_port": 8080, "dapr_http_port": 3500, "app_pid": None, "daprd_pid": None}},
        "backends": {"redis": {"pid": 7, "port": 6390}},
    }
    assert stat.S_IMODE(home.run_json.stat().st_mode) == 0o600


def test_a_file_that_is_no_run_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "dapr.yaml"
    with pytest.raises(LocalError, match="missing"):
        read_run_file(path)
    path.write_text("apps: [{appID: x}]")
    with pytest.raises(LocalError, match="not a run file"):
        read_run_file(path)


def test_a_killed_app_is_told_by_its_signal_and_not_by_what_it_said_last(home: Home) -> None:
    log = app_log(home.logs, "orders")
    log.write_text("== APP - orders == ready\nThe App process exited with error code: signal: killed\n")

    assert has_ended(log)
    assert explain_app(home.logs, "orders") == f"signal: killed ({log})"


def test_stable_log_names_follow_the_newest_run_and_old_runs_go(home: Home) -> None:
    for number in range(5):
        (home.logs / f"orders_app_2026112412000{number}.log").write_text(str(number))

    link_newest(home.logs, "orders", since=0)
    assert app_log(home.logs, "orders").read_text() == "4"
    forget_old_runs(home.logs, ["orders"])

    assert not app_log(home.logs, "orders").exists()
    assert sorted(file.read_text() for file in home.logs.glob("orders_app_*")) == ["2", "3", "4"]


def test_a_cluster_that_was_made_on_other_ports_is_one_clear_line(home: Home) -> None:
    for _ in range(2):
        etcd(home, home.root, "etcd-1", ports=BackendPorts(11_000))
    with pytest.raises(
        LocalError, match=r"start it with PLAZA_PORT_OFFSET=11000, or delete the data with make reset\.$"
    ):
        etcd(home, home.root, "etcd-1", ports=BackendPorts())

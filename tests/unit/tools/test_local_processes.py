"""A process is ours only with the right start time or the mark; a pid alone proves nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.local.home import Home
from tools.local.processes import ProcessTable, Record, stop
from tools.local.stopping import stop_everything

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_a_stale_record_never_ends_the_stranger_who_has_its_pid(home: Home, stranger: subprocess.Popen[bytes]) -> None:
    began = psutil.Process(stranger.pid).create_time()
    table = ProcessTable(home.root)
    for name in ("postgres", "redis", "dapr"):
        table.put(Record(name, stranger.pid, began - 100))

    assert table.find("postgres") is None
    stop_everything(home)

    assert stranger.poll() is None


def test_a_record_survives_in_its_file_and_names_the_living_process(
    home: Home, stranger: subprocess.Popen[bytes]
) -> None:
    ProcessTable(home.root).put(Record.of("redis", psutil.Process(stranger.pid)))

    found = ProcessTable(home.root).find("redis")

    assert found is not None
    assert found.pid == stranger.pid


def test_a_broken_table_is_an_empty_one(home: Home) -> None:
    (home.run / "processes.json").write_text('[{"name": "redi')

    assert ProcessTable(home.root).records() == []


def test_what_no_record_tells_of_is_found_by_its_mark(home: Home, stranger: subprocess.Popen[bytes]) -> None:
    table = ProcessTable(home.root)
    child = table.start("app", SLEEP, log=home.logs / "app.log", environment={}, directory=home.root)
    (home.run / "processes.json").unlink()

    assert [process.pid for process in table.list_marked()] == [child.pid]
    assert stop_everything(home) == 1

    assert child.wait(5) != 0
    assert stranger.poll() is None


def test_another_homes_processes_are_left_alone(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.create()
    child = ProcessTable(other.root).start(
        "app", SLEEP, log=other.logs / "app.log", environment={}, directory=other.root
    )

    assert stop_everything(home) == 0
    assert child.poll() is None

    assert stop_everything(other) == 1
    child.wait(5)


def test_one_that_does_not_listen_is_killed_after_its_grace() -> None:
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"deaf\n"

        stop([psutil.Process(process.pid)], grace_seconds=0.2)

        assert process.wait(5) == -9

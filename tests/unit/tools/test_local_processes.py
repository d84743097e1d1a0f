"""A process is ours only with the right start time or the mark; a pid alone proves nothing."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.local.home import Home
from tools.local.processes import ProcessTable, Record, stop
from tools.local.stopping import stop_everything
from tools.local.waiting import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]

HEADLESS = [
    sys.executable,
    "-c",
    "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); ctypes.CDLL(None).pthread_exit(None)",
]
"""Its first thread ends, another one does not: the kernel calls it a zombie, and waits with its parent."""


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


def test_what_has_threads_left_has_not_ended(home: Home) -> None:
    table = ProcessTable(home.root)
    child = table.start("java", HEADLESS, log=home.logs / "java.log", environment={}, directory=home.root)
    process = psutil.Process(child.pid)
    wait_until(
        lambda: process.status() == psutil.STATUS_ZOMBIE, timeout_seconds=10, otherwise=lambda: "its first thread lives"
    )

    assert table.find("java") == process
    stop([process])

    assert child.poll() == -signal.SIGTERM

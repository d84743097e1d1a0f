"""Starts, remembers and ends processes without ever touching one that is not ours.

A pid alone is no proof: after a crash the number may belong to a stranger. So each record carries the process's start
time, and everything that we start also inherits a mark in its environment, which finds what no record tells of.
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from tools.local.atomic import write_atomically

POLL_SECONDS = 0.05
MARK = "PLAZA_SHOP"
START_TIME_TOLERANCE_SECONDS = 1.0  # the kernel's clock may be set while a process lives


@dataclass(frozen=True, slots=True)
class Record:
    """One process that we started: its pid and the moment it began, as the kernel tells it."""

    name: str
    pid: int
    started_at: float

    @classmethod
    def of(cls, name: str, process: psutil.Process) -> "Record":
        return cls(name, process.pid, process.create_time())

    def find(self) -> psutil.Process | None:
        """The living process, or None when it ended or its pid belongs to another by now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE_SECONDS
            return process if same and is_alive(process) else None
        except psutil.Error:
            return None


class ProcessTable:
    """The records of one shop, kept in a file so that another command, or the next one, can end what they name."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = home / "run" / "processes.json"
        self._writing = threading.Lock()
        self._children: list[subprocess.Popen[bytes]] = []

    def records(self) -> list[Record]:
        try:
            return [Record(**entry) for entry in json.loads(self._file.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def find(self, name: str) -> psutil.Process | None:
        for record in self.records():
            if record.name == name and (process := record.find()):
                return process
        return None

    def put(self, record: Record) -> None:
        with self._writing:
            self._save([*(other for other in self.records() if other.name != record.name), record])

    def forget_dead(self) -> None:
        with self._writing:
            self._save([record for record in self.records() if record.find()])

    def list_marked(self) -> list[psutil.Process]:
        """Every living process that carries this shop's mark, recorded or not, this one excepted."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and process.environ().get(MARK) == str(self._home) and is_alive(process):
                    found.append(process)
        return found

    def start(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], directory: Path
    ) -> "subprocess.Popen[bytes]":
        """Starts a process in a session of its own, so that a Ctrl-C at the terminal reaches only its owner."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**environment, MARK: str(self._home)},
                start_new_session=True,
            )
        self._children.append(process)
        with suppress(psutil.Error):
            self.put(Record.of(name, psutil.Process(process.pid)))
        return process

    def take_exit_code(self, pid: int) -> int | None:
        """How its own child ended, negative for a signal; None for one that is not its child."""
        code = next((child.poll() for child in self._children if child.pid == pid), None)
        self.reap()
        return code

    def reap(self) -> None:
        """Takes the exit codes of its own children that have ended, so that they leave no zombies in a process that lives on."""
        self._children = [child for child in self._children if child.poll() is None]

    def _save(self, records: Iterable[Record]) -> None:
        write_atomically(self._file, json.dumps([asdict(record) for record in records], indent=1))


def stop(
    processes: Iterable[psutil.Process], *, stop_signal: signal.Signals = signal.SIGTERM, grace_seconds: float = 10.0
) -> None:
    """Asks each process to end, waits for all of them together, and kills what is left after the grace."""
    asked = list(processes)
    for process in asked:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
    if not _have_ended(asked, timeout_seconds=grace_seconds):
        for process in asked:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _have_ended(asked, timeout_seconds=5)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does anything: a zombie has ended, and waits only for a parent to ask how.

    Not so one that has threads left, such as a Java that ends: it still holds its files and ports, and its parent is told nothing yet.
    """
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _have_ended(processes: Iterable[psutil.Process], *, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True

"""Ends a shop from outside: the one that another terminal runs, or what is left of one that was killed."""

import os
import shutil
import signal
from contextlib import suppress

import psutil

from tools.local.backends import BACKENDS, stop_backends
from tools.local.home import Home
from tools.local.processes import ProcessTable, stop
from tools.local.sidecars import CLI, end_pairs

HOLDER_GRACE_SECONDS = 60.0  # it ends the whole shop in order before it ends itself


def stop_everything(home: Home) -> int:
    """Asks a running `make run` to end its shop, then ends what still carries this home's mark. Answers how many.

    Touches no process of another home, and none whose pid was given away since it was recorded.
    """
    table = ProcessTable(home.root)
    before = {process.pid for process in table.list_marked()} | {
        record.pid for record in table.records() if record.find()
    }
    if (holder := home.find_holder_pid()) and holder != os.getpid():
        with suppress(psutil.NoSuchProcess):
            stop([psutil.Process(holder)], stop_signal=signal.SIGINT, grace_seconds=HOLDER_GRACE_SECONDS)
    stop_leftovers(table)
    stop_backends(table)
    stop(table.list_marked())
    home.run_json.unlink(missing_ok=True)
    return len(before)


def stop_leftovers(table: ProcessTable) -> None:
    """Ends apps, sidecars and the CLI that no `make run` looks after any more; the back ends stay."""
    cli = table.find(CLI)
    if cli:
        with suppress(psutil.NoSuchProcess):
            cli.suspend()  # or it would kill at once what is about to be asked to end
    end_pairs(table)
    backends = {process.pid for name in BACKENDS if (process := table.find(name))}
    rest = [process for process in table.list_marked() if not _belongs_to(process, backends)]
    stop(rest, stop_signal=signal.SIGKILL)


def delete_home(home: Home) -> None:
    """Deletes the directory and the socket directory, which may lie elsewhere. The shop must be stopped."""
    for directory in (home.postgres_socket_directory, home.root):
        with suppress(FileNotFoundError):
            shutil.rmtree(directory)


def _belongs_to(process: psutil.Process, pids: set[int]) -> bool:
    with suppress(psutil.Error):
        return process.pid in pids or any(parent.pid in pids for parent in process.parents())
    return True

"""A second replica of every service beside the first, each an app and a sidecar of their own, to see what but CPU is in the way."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tools.local.errors import LocalError
from tools.local.processes import ProcessTable, stop
from tools.local.replica import beside
from tools.local.waiting import answers_ok

READY_SECONDS = 120.0


@contextmanager
def second_replicas(running: Mapping[str, Any], table: ProcessTable, logs: Path) -> Iterator[str]:
    """The URL of the second gateway while the block runs. Raises LocalError when a replica does not become ready."""
    started: list[psutil.Process] = []
    try:
        ports = {app_id: _start(app_id, app, table, logs, started) for app_id, app in running["apps"].items()}
        deadline = time.monotonic() + READY_SECONDS
        for app_id, port in ports.items():
            while not answers_ok(f"http://127.0.0.1:{port}/ready"):
                if time.monotonic() > deadline:
                    raise LocalError(f"The second replica of {app_id} did not become ready.")
                time.sleep(0.2)
        yield f"http://127.0.0.1:{ports['gateway']}"
    finally:
        stop(started)
        table.reap()


def _start(
    app_id: str, first: Mapping[str, Any], table: ProcessTable, logs: Path, started: list[psutil.Process]
) -> int:
    """Starts both processes; the app's port."""
    second = beside(first)
    for name, start in ((f"{app_id}-2", second.app), (f"{app_id}-2's sidecar", second.sidecar)):
        log = logs / f"{name}.log"
        process = table.start(name, start.command, log=log, environment=start.environment, directory=start.directory)
        started.append(psutil.Process(process.pid))
    return second.app_port

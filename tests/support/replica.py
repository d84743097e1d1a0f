"""Starts a second replica of an app beside the first: an app and a sidecar with the same app id, on ports of their own."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import end
from tools.local.replica import beside

START_SECONDS = 40


@contextmanager
def second_replica(
    run_json: dict[str, Any], app_id: str, directory: Path, *, becomes_ready: bool = True
) -> Iterator[dict[str, Any]]:
    """`app_pid` and `app_port` of the replica, while the block runs; both processes are started as those of the first one were.

    It is ready in the block, unless it is not expected to be. Its log is `app.log` in the directory.
    """
    second = beside(run_json["apps"][app_id])
    started = []
    try:
        for name, start in (("app", second.app), ("daprd", second.sidecar)):
            with (directory / f"{name}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(
                        start.command,
                        env=start.environment,
                        cwd=start.directory,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        if becomes_ready:
            _wait_until_ready(second.app_port, directory)
        yield {"app_pid": started[0].pid, "app_port": second.app_port}
    finally:
        for process in started:
            end(process)


def _wait_until_ready(port: int, directory: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            logs = "".join((directory / f"{name}.log").read_text()[-1000:] for name in ("app", "daprd"))
            assert time.monotonic() < deadline, f"the second replica did not become ready: {logs}"
            time.sleep(0.2)

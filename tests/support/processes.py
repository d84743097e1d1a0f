"""Kills one app of a running shop and starts it again as it was, since a plain `dapr run` does not."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

START_SECONDS = 40


@contextmanager
def killed_app(run_json: dict[str, Any], app_id: str) -> Iterator[None]:
    """The app is dead inside the block and listens again after it, under a new pid that `run_json` then tells."""
    app = run_json["apps"][app_id]
    process = psutil.Process(app["app_pid"])
    command, environment, directory = process.cmdline(), process.environ(), process.cwd()
    process.kill()
    process.wait(10)
    try:
        yield
    finally:
        revived = subprocess.Popen(
            command, env=environment, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _revived.append(revived)
        app["app_pid"] = revived.pid
        wait_until_ready(app["app_port"])


_revived: list[subprocess.Popen[bytes]] = []


def end_revived() -> None:
    """Stop the apps that `killed_app` has started."""
    for process in _revived:
        process.terminate()
    for process in _revived:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    _revived.clear()


def wait_until_ready(port: int) -> None:
    """Returns once the app on `port` says so; fails after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            assert time.monotonic() < deadline, f"the app on port {port} is not ready {START_SECONDS} s after its start"
            time.sleep(0.2)

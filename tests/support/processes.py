"""Ends one app of a running shop and starts it again, as it was or as another release, since a plain `dapr run` does not."""

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
        _start(app, command, environment, directory)


def upgrade_app(run_json: dict[str, Any], app_id: str, module: str) -> None:
    """Ends the app as an upgrade would, and starts `module` in its place; returns once that is ready."""
    app = run_json["apps"][app_id]
    process = psutil.Process(app["app_pid"])
    command, environment, directory = process.cmdline(), process.environ(), process.cwd()
    process.terminate()
    process.wait(20)
    _start(app, [*command[: command.index("-m") + 1], module], environment, directory)


def _start(app: dict[str, Any], command: list[str], environment: dict[str, str], directory: str) -> None:
    revived = subprocess.Popen(
        command, env=environment, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _revived.append(revived)
    app["app_pid"] = revived.pid
    _wait_until_ready(app["app_port"])


_revived: list[subprocess.Popen[bytes]] = []


def end_revived() -> None:
    """Stop the apps that were started here."""
    for process in _revived:
        process.terminate()
    for process in _revived:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    _revived.clear()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            assert time.monotonic() < deadline, (
                f"the app on port {port} is not ready {START_SECONDS} s after its restart"
            )
            time.sleep(0.2)

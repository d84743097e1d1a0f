"""Ends processes of a running shop and starts them again, as they were or as another release, since a plain `dapr run` does not."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tools.local.processes import MARK

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
        app["app_pid"] = start_again(app_id, command, environment, directory)
        wait_until_ready(app["app_port"])


def upgrade_app(run_json: dict[str, Any], app_id: str, module: str) -> None:
    """Ends the app as an upgrade would, and starts `module` in its place; returns once that is ready."""
    app = run_json["apps"][app_id]
    process = psutil.Process(app["app_pid"])
    command, environment, directory = process.cmdline(), process.environ(), process.cwd()
    process.terminate()
    process.wait(20)
    app["app_pid"] = start_again(app_id, [*command[: command.index("-m") + 1], module], environment, directory)
    wait_until_ready(app["app_port"])


@contextmanager
def killed_backend(
    run_json: dict[str, Any], name: str, command: list[str], is_ready: Callable[[], bool]
) -> Iterator[None]:
    """The back end is dead inside the block and serves again after it, begun by `command`."""
    backend = run_json["backends"][name]
    process = psutil.Process(backend["pid"])
    environment, directory, children = process.environ(), process.cwd(), process.children()
    process.kill()
    psutil.wait_procs([process, *children], timeout=10)
    try:
        yield
    finally:
        backend["pid"] = start_again(name, command, environment, directory)
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            assert time.monotonic() < deadline, f"{name} is not back {START_SECONDS} s after its restart"
            time.sleep(0.1)


def start_again(name: str, command: list[str], environment: dict[str, str], directory: str) -> int:
    """The pid of a process as it was before, its log too; `end_revived` ends it, or the shop whose mark it bears."""
    log = Path(environment[MARK]) / "logs" / f"{name}.log"
    with log.open("ab") as output:
        revived = subprocess.Popen(
            command, env=environment, cwd=directory, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    _revived.append(revived)
    return revived.pid


_revived: list[subprocess.Popen[bytes]] = []


def end_revived() -> None:
    """Stop all that was started again."""
    for process in _revived:
        process.terminate()
    for process in _revived:
        end(process)
    _revived.clear()


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end, and kills it when it takes too long."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


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

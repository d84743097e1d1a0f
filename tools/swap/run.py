"""Runs the tests on one stack, in a process of its own with a time limit, and leaves nothing of it running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tools.local.home import PROJECT, Home
from tools.local.stopping import stop_everything
from tools.swap.matrix import Suite
from tools.swap.outcome import Outcome, read_outcome

TEARDOWN_SECONDS = 90


def run_stack(name: str, words: str, suite: Suite, directory: Path) -> Outcome:
    """pytest's own output goes to the console, as its progress. In `directory` stay the homes of shops that failed, with their logs."""
    report = directory / "report.xml"
    command = [
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--no-header",
            "-o",
            "timeout_func_only=true",
            "-o",
            "junit_family=xunit1",
        ),
        *(f"--junitxml={report}", *suite.paths),
    ]
    began = time.monotonic()
    exit_code: int | None = None
    child = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "PLAZA_STACK": words, "TMPDIR": str(directory)},
        start_new_session=True,
    )
    try:
        exit_code = child.wait(suite.limit_seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _end(child, directory)
    return read_outcome(report, name=name, words=words, seconds=time.monotonic() - began, exit_code=exit_code)


def _end(child: "subprocess.Popen[bytes]", directory: Path) -> None:
    """Has pytest end its shops, and ends what it has left."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(TEARDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for home in directory.glob("plaza-*"):
        stop_everything(Home(home))

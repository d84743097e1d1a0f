"""Runs the tests on one stack, in processes of their own with a time limit, and leaves nothing of them running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.local.home import PROJECT, Home
from tools.local.stopping import stop_everything
from tools.swap.matrix import Suite
from tools.swap.outcome import Outcome, read_outcome

TEARDOWN_SECONDS = 90


def run_stack(name: str, words: str, suite: Suite, directory: Path) -> Outcome:
    """The output of a turn's first tests goes to the console, as its progress, and that of the others after it. In `directory` stay the
    homes of shops that failed, with their logs.
    """
    environment = {**os.environ, "PLAZA_STACK": words, "TMPDIR": str(directory)}
    began = time.monotonic()
    reports: list[Path] = []
    exit_codes: list[int | None] = []
    for turn in suite.turns:
        made = [directory / f"report-{number}.xml" for number in range(len(reports), len(reports) + len(turn))]
        reports += made
        with _side_by_side(turn, made, environment, directory) as children:
            for child in children:
                left = began + suite.limit_seconds - time.monotonic()
                try:
                    exit_codes.append(child.wait(max(left, 0)))
                except subprocess.TimeoutExpired:
                    exit_codes.append(None)
    return read_outcome(reports, name=name, words=words, seconds=time.monotonic() - began, exit_codes=exit_codes)


@contextmanager
def _side_by_side(
    turn: Sequence[Sequence[str]], reports: Sequence[Path], environment: dict[str, str], directory: Path
) -> "Iterator[list[subprocess.Popen[bytes]]]":
    children: list[subprocess.Popen[bytes]] = []
    quiet = [report.with_suffix(".log") for report in reports[1:]]
    try:
        for paths, report, log in zip(turn, reports, [None, *quiet], strict=True):
            with log.open("wb") if log else os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
                children.append(
                    subprocess.Popen(
                        _pytest(paths, report), cwd=PROJECT, env=environment, stdout=output, start_new_session=True
                    )
                )
        yield children
    finally:
        for child in children:
            _end(child)
        for home in directory.glob("plaza-*"):
            stop_everything(Home(home))
        for log in quiet:
            if log.exists():
                print(log.read_text(errors="replace"), flush=True)


def _pytest(arguments: Sequence[str], report: Path) -> list[str]:
    options = ("-o", "timeout_func_only=true", "-o", "junit_family=xunit1", "-p", "no:cacheprovider")
    return [sys.executable, "-m", "pytest", "-q", "--no-header", *options, f"--junitxml={report}", *arguments]


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Has pytest end its shops, or ends it."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(TEARDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

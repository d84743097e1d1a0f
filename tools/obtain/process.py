"""Runs a long command that must not outlive its caller: on a limit or Ctrl-C its whole process group is ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 5
POLL_SECONDS = 0.1


class CommandError(Exception):
    """It ended with an error, or had to be ended. The message is one line, without the command."""


def run_logged(
    command: Sequence[str | Path],
    *,
    directory: Path,
    environment: Mapping[str, str],
    log: Path,
    deadline: float,
    report_seconds: float,
    report: Callable[[float], None],
) -> None:
    """Appends the command's output to `log`, and calls `report` with the seconds gone every `report_seconds`.

    Raises: CommandError.
    """
    started = time.monotonic()
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"{command[0]} cannot be started ({error.strerror})") from error
        next_report = started + report_seconds
        try:
            while (code := process.poll()) is None:
                now = time.monotonic()
                if now > deadline:
                    raise CommandError(f"it was ended after {now - started:.0f} s, the limit")
                if now >= next_report:
                    report(now - started)
                    next_report += report_seconds
                time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                end_group(process)
        if code != 0:
            raise CommandError(cause(log) or f"it ended with exit code {code}")


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Asks first, then kills what is left of the group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cause(log: Path) -> str:
    """The line of a failed command's log that says most: the last that is neither progress nor indented detail."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if line.strip() and not line.startswith((" ", "\t", "#", "go: downloading"))]
    # Go prints the names of packages as it compiles them; a sentence has a space.
    sentences = [line for line in telling if " " in line]
    return (sentences or telling or [""])[-1].strip()[:300]

"""Asks programs who they are, because `sentry`, `placement` and `scheduler` are names that other software has as well.

Only daprd and the CLI have a `--version`. The other three are known by their usage text, and their version by what Go
and Dapr's Makefile leave in the file.
"""

import mmap
import re
import subprocess
from pathlib import Path

from tools.dapr.binaries import CLI_PROGRAM
from tools.obtain.versions import Version, parse_version

ANSWER_SECONDS = 20
STAMP = re.compile(rb"dapr/pkg/buildinfo\.version=v?(\d+\.\d+\.\d+)\b|\tgithub\.com/dapr/dapr\tv(\d+\.\d+\.\d+)\b")


def find_version(program: Path) -> Version | None:
    """Of daprd or the CLI; `None` when it does not start, does not answer in time, or names no version."""
    return parse_version(_answer(program, "--version"))  # the CLI answers with two lines, its own version first


def is_dapr_service(program: Path) -> bool:
    """Of placement, scheduler, sentry: whether it runs here and is Dapr's."""
    usage = _answer(program, "--help", exit_codes=(0, 2))
    return f"Usage of {program.name}:" in usage and "--healthz-port" in usage


def runs_as(program: Path, version: Version) -> bool:
    if program.name in ("daprd", CLI_PROGRAM):
        return find_version(program) == version
    return is_dapr_service(program)


def find_stamp(program: Path) -> Version | None:
    """The runtime version that the file of a service carries; `None` when it carries none that can be read."""
    try:
        with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            match = STAMP.search(content)
            return parse_version((match[1] or match[2]).decode()) if match else None
    except (OSError, ValueError):
        return None


def _answer(program: Path, flag: str, *, exit_codes: tuple[int, ...] = (0,)) -> str:
    try:
        answer = subprocess.run(
            [program, flag],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode in exit_codes else ""

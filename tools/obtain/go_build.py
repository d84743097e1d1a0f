"""One `go build` with progress, from a Go module of ours that names what to build and, in a whole `go.sum`, pins it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.obtain.errors import ObtainError, Progress
from tools.obtain.go import Go
from tools.obtain.limits import Limits
from tools.obtain.process import CommandError, run_logged


@dataclass(frozen=True)
class Step:
    """One `go build`: several programs at once keep all cores busy while one of them is linked."""

    module: Path
    packages: Sequence[str]
    title: str
    flags: Sequence[str]


def build_step(
    step: Step, go: Go, directory: Path, *, log: Path, deadline: float, limits: Limits, progress: Progress
) -> None:
    """Puts the step's programs into `directory`, each under the last part of its package's name.

    Raises: ObtainError with the cause and the place of the whole log.
    """
    progress(f"building {step.title} from source; the first time this takes minutes")

    log_start_bytes = log.stat().st_size

    def report(seconds: float) -> None:
        lines = log.read_bytes()[log_start_bytes:].splitlines()
        fetched = sum(1 for line in lines if line.startswith(b"go: downloading"))
        compiled = sum(1 for line in lines if b" " not in line)  # `-v` prints their names
        progress(f"building {step.title}: {seconds:.0f} s, {fetched} modules downloaded, {compiled} packages compiled")

    flags = ["-v", "-trimpath", "-buildvcs=false", *step.flags, "-o", f"{directory}/"]
    try:
        run_logged(
            [go.program, "build", *flags, *step.packages],
            directory=step.module,
            environment=go.environment,
            log=log,
            deadline=deadline,
            report_seconds=limits.report_seconds,
            report=report,
        )
    except CommandError as error:
        raise ObtainError(
            f"building {step.title} failed: {error}; the whole log is {log}; "
            "if the Go module proxy is out of reach, set GOPROXY"
        ) from error

"""The third way: builds the unmodified Go programs from the module proxy, where GitHub's files are out of reach.

Two Go modules beside this file name what to build, one for the runtime and one for the CLI, because the two want
different versions of the same modules. Their `go.sum` files are complete, so no checksum database is asked.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.dapr.binaries import CLI_PROGRAM, PROGRAMS, RUNTIME_PROGRAMS, ObtainError, Progress
from tools.dapr.go import Go, obtain_go
from tools.dapr.host import Host
from tools.dapr.limits import Limits
from tools.dapr.pins import Versions
from tools.dapr.probe import runs_as
from tools.dapr.process import CommandError, run_logged
from tools.dapr.versions import require_version

MODULES = Path(__file__).parent
GIB = 1 << 30


@dataclass(frozen=True)
class Step:
    """One `go build`: several programs at once keep all cores busy while one of them is linked."""

    module: Path
    packages: Sequence[str]
    title: str
    flags: Sequence[str]


def steps(versions: Versions) -> list[Step]:
    """`-X` stamps what Dapr's own Makefiles stamp; without the logger's variable every log line says `ver=unknown`."""
    runtime, cli = versions.runtime, versions.cli
    version, logger = "github.com/dapr/dapr/pkg/buildinfo.version", "github.com/dapr/kit/logger.DaprVersion"
    return [
        Step(
            module=MODULES / "runtime",
            packages=[f"github.com/dapr/dapr/cmd/{program}" for program in RUNTIME_PROGRAMS],
            title=f"Dapr {runtime} ({', '.join(RUNTIME_PROGRAMS)})",
            # `allcomponents` is what the published daprd has too; `stablecomponents` lacks NATS JetStream.
            flags=["-tags", "allcomponents", "-ldflags", f"-s -w -X {version}={runtime} -X {logger}={runtime}"],
        ),
        Step(
            module=MODULES / "cli",
            packages=["github.com/dapr/cli"],
            title=f"the Dapr CLI {cli}",
            flags=["-ldflags", f"-s -w -X main.version={cli} -X main.apiVersion=1.0"],
        ),
    ]


def build_programs(
    directory: Path, *, scratch: Path, host: Host, versions: Versions, log: Path, limits: Limits, progress: Progress
) -> None:
    """Puts the five programs into `directory`.

    Raises: ObtainError with the cause and the place of the whole log.
    """
    log.write_text("", encoding="utf-8")
    deadline = time.monotonic() + limits.build_seconds
    (scratch / "go-tmp").mkdir()
    go = obtain_go(scratch, host=host, log=log, limits=limits, deadline=deadline, progress=progress)
    _require_space(go, scratch, versions, limits)
    started = time.monotonic()
    for step in steps(versions):
        _run(step, go, directory, log=log, deadline=deadline, limits=limits, progress=progress)
    (directory / "cli").rename(directory / CLI_PROGRAM)
    for program in PROGRAMS:
        if not runs_as(directory / program, require_version(versions.of(program))):
            raise ObtainError(f"the {program} just built does not run here as {versions.of(program)}; the log is {log}")
    progress(f"built Dapr in {time.monotonic() - started:.0f} s")


def _run(
    step: Step, go: Go, directory: Path, *, log: Path, deadline: float, limits: Limits, progress: Progress
) -> None:
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
            "if the Go module proxy is out of reach, set GOPROXY, or PLAZA_DAPR_MIRROR to a mirror of Dapr's releases"
        ) from error


def _require_space(go: Go, scratch: Path, versions: Versions, limits: Limits) -> None:
    modules = Path(go.setting("GOMODCACHE"))
    cold = not (modules / "github.com" / "dapr" / f"dapr@v{versions.runtime}").is_dir()
    wanted_gib = limits.cold_free_gib if cold else limits.warm_free_gib
    for place in (modules, Path(go.setting("GOCACHE")), scratch):
        existing = next(parent for parent in (place, *place.parents) if parent.exists())
        free_gib = shutil.disk_usage(existing).free / GIB
        if free_gib < wanted_gib:
            raise ObtainError(
                f"building Dapr needs {wanted_gib:g} GB of free disk space at {existing} and there are {free_gib:.1f}: "
                "make room, or point GOPATH, GOCACHE and PLAZA_CACHE_DIR elsewhere"
            )

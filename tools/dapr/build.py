"""The third way: builds the unmodified Go programs from the module proxy, where GitHub's files are out of reach.

Two Go modules beside this file name what to build, one for the runtime and one for the CLI, because the two want
different versions of the same modules. Their `go.sum` files are complete, so no checksum database is asked.
"""

import shutil
import time
from pathlib import Path

from tools.dapr.binaries import CLI_PROGRAM, PROGRAMS, RUNTIME_PROGRAMS
from tools.dapr.pins import Versions
from tools.dapr.probe import runs_as
from tools.obtain.errors import ObtainError, Progress
from tools.obtain.go import Go, obtain_go
from tools.obtain.go_build import Step, build_step
from tools.obtain.host import Host
from tools.obtain.limits import Limits
from tools.obtain.versions import require_version

MODULES = Path(__file__).parent
GIB = 1 << 30


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
        build_step(step, go, directory, log=log, deadline=deadline, limits=limits, progress=progress)
    (directory / "cli").rename(directory / CLI_PROGRAM)
    for program in PROGRAMS:
        if not runs_as(directory / program, require_version(versions.of(program))):
            raise ObtainError(f"the {program} just built does not run here as {versions.of(program)}; the log is {log}")
    progress(f"built Dapr in {time.monotonic() - started:.0f} s")


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

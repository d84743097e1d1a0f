"""What the rest of Plaza knows of the Dapr programs: where they are, which versions, and how they were come by.

The layout is the CLI's own: with `DAPR_RUNTIME_PATH=D` it runs `D/.dapr/bin/daprd`, so all five lie in `D/.dapr/bin`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

RUNTIME_PROGRAMS = ("daprd", "placement", "scheduler", "sentry")
CLI_PROGRAM = "dapr"
PROGRAMS = (*RUNTIME_PROGRAMS, CLI_PROGRAM)

Origin = Literal["installed", "release", "build"]


@dataclass(frozen=True)
class DaprBinaries:
    """A complete set: `directory` holds the five programs, `runtime_path` is the CLI's DAPR_RUNTIME_PATH."""

    directory: Path
    runtime_path: Path
    runtime_version: str
    cli_version: str
    origin: Origin


def program_directory(runtime_path: Path) -> Path:
    return runtime_path / ".dapr" / "bin"

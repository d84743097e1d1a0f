"""Which complete sets of Dapr programs the cache holds."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tools.dapr.binaries import PROGRAMS, DaprBinaries, Origin, program_directory
from tools.dapr.pins import Versions
from tools.obtain.cache import Cache
from tools.obtain.errors import ObtainError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class DaprCache(Cache):
    def find(self, name: str) -> DaprBinaries | None:
        """The set of that name, when all of it is there."""
        runtime_path = self.root / name
        directory = program_directory(runtime_path)
        try:
            manifest = json.loads((runtime_path / MANIFEST).read_text(encoding="utf-8"))
            binaries = DaprBinaries(
                directory=directory,
                runtime_path=runtime_path,
                runtime_version=manifest["runtime_version"],
                cli_version=manifest["cli_version"],
                origin=manifest["origin"],
            )
        except (OSError, ValueError, KeyError):
            return None
        return binaries if all(os.access(directory / program, os.X_OK) for program in PROGRAMS) else None

    def publish(self, made: Path, name: str, *, versions: Versions, origin: Origin) -> DaprBinaries:
        """Renames `made`, a directory inside `partial()` in the CLI's layout, into place."""
        manifest = {"runtime_version": versions.runtime, "cli_version": versions.cli, "origin": origin}
        (made / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8")
        target = self.put(made, name)
        binaries = self.find(name)
        if binaries is None:
            raise ObtainError(f"the programs in {target} cannot be run: is that file system mounted noexec?")
        return binaries

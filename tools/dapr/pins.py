"""The versions and checksums that Plaza accepts, read from `pins.json` so that they can be raised without code.

`build` names what the Go modules beside it build. `release` names what is downloaded, with the sha256 of each archive;
an archive without one is never used. The two may differ in the patch number, because a checksum can be pinned only
where the archive can be had: `python -m tools.dapr pin` writes them (see `pinning.py`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tools.dapr.binaries import CLI_PROGRAM, PROGRAMS

PINS_FILE = Path(__file__).parent / "pins.json"


@dataclass(frozen=True)
class Versions:
    runtime: str
    cli: str

    def of(self, program: str) -> str:
        return self.cli if program == CLI_PROGRAM else self.runtime

    def cache_key(self, host_name: str) -> str:
        return f"{self.runtime}-{self.cli}-{host_name}"


@dataclass(frozen=True)
class Pins:
    minimum: Versions
    build: Versions
    release: Versions
    release_url: str
    sha256: dict[str, str]

    def archive(self, program: str, host_name: str) -> str:
        return archive_path(program, self.release, host_name)

    def unpinned(self, host_name: str) -> list[str]:
        """The programs whose archive for that host has no checksum."""
        return [program for program in PROGRAMS if self.archive(program, host_name) not in self.sha256]


def archive_path(program: str, versions: Versions, host_name: str) -> str:
    """Below the host of the releases: the names that Dapr publishes under."""
    repository = "dapr/cli" if program == CLI_PROGRAM else "dapr/dapr"
    file = f"{program}_{host_name.replace('-', '_')}.tar.gz"
    return f"{repository}/releases/download/v{versions.of(program)}/{file}"


def read_pins(file: Path = PINS_FILE) -> Pins:
    data = json.loads(file.read_text(encoding="utf-8"))
    return Pins(
        minimum=Versions(**data["minimum"]),
        build=Versions(**data["build"]),
        release=Versions(**data["release"]["versions"]),
        release_url=data["release"]["url"],
        sha256=data["release"]["sha256"],
    )

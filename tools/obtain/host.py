"""What the machine is, in the words of Go and of Dapr's release archives, and what its environment asks for."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.obtain.errors import ObtainError

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
SYSTEMS = ("linux", "darwin")


@dataclass(frozen=True)
class Host:
    system: str
    architecture: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def name(self) -> str:
        return f"{self.system}-{self.architecture}"

    @property
    def home(self) -> Path:
        return Path(self.environment.get("HOME") or "~").expanduser()

    @property
    def cache_directory(self) -> Path:
        """Of all clones of Plaza of this user; the XDG rule wants a relative value ignored."""
        if chosen := self.environment.get("PLAZA_CACHE_DIR"):
            return Path(chosen).expanduser().resolve()
        base = Path(self.environment.get("XDG_CACHE_HOME", ""))
        return (base if base.is_absolute() else self.home / ".cache") / "plaza"


def this_host() -> Host:
    """Raises: ObtainError where Dapr's programs are not to be had (Windows outside WSL, rare processors)."""
    system, machine = platform.system().lower(), platform.machine().lower()
    if system not in SYSTEMS or machine not in ARCHITECTURES:
        raise ObtainError(
            f"Plaza runs on Linux and macOS on amd64 or arm64, and this is {system} on {machine}: "
            "use WSL 2 on Windows, or a container"
        )
    return Host(system=system, architecture=ARCHITECTURES[machine])

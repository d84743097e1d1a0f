"""Obtains the Dapr programs that a developer's machine needs, so that `make run` works where nobody installed Dapr."""

from tools.dapr.binaries import DaprBinaries, ObtainError
from tools.dapr.ways import obtain

__all__ = ["DaprBinaries", "ObtainError", "obtain"]

"""Obtains the Dapr programs that a developer's machine needs, so that `make run` works where nobody installed Dapr."""

from tools.dapr.binaries import DaprBinaries
from tools.dapr.ways import find_obtained, obtain
from tools.obtain.errors import ObtainError

__all__ = ["DaprBinaries", "ObtainError", "find_obtained", "obtain"]

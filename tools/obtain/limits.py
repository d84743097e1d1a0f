"""Every wait of this tool, in one place, so that no step of it can hang and tests can be quick; and the disk space it wants."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    connect_seconds: float = 5
    stall_seconds: float = 15
    """Of a download: no byte for so long ends it."""
    download_seconds: float = 600
    """Of all archives together."""
    build_seconds: float = 40 * 60
    """Of both Go builds together, their downloads included."""
    lock_seconds: float = 50 * 60
    """For another clone that is obtaining the programs: longer than the longest build."""
    report_seconds: float = 10
    """Between two lines of progress."""
    cold_free_gib: float = 10
    """Wanted for a build from an empty Go cache: measured 4.2 of modules, 4.0 of compiled packages, 0.5 of programs."""
    warm_free_gib: float = 3
    """Wanted for a build when Go's cache has Dapr's module."""

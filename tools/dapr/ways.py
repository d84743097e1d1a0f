"""The order in which Plaza comes by Dapr: installed, then this user's cache, then the releases, then a build."""

from pathlib import Path

from tools.dapr.binaries import DaprBinaries, Origin, program_directory
from tools.dapr.build import build_programs
from tools.dapr.cache import DaprCache
from tools.dapr.installed import find_installed, link, link_name
from tools.dapr.pins import Pins, Versions, read_pins
from tools.dapr.release import ReleaseError, download_release
from tools.obtain.errors import ObtainError, Progress
from tools.obtain.host import Host, this_host
from tools.obtain.limits import Limits


def obtain(
    progress: Progress, *, host: Host | None = None, pins: Pins | None = None, limits: Limits | None = None
) -> DaprBinaries:
    """Makes sure that daprd, placement, scheduler, sentry and dapr are there, and says where.

    Idempotent; from the cache it takes milliseconds and changes nothing. It never touches what the user installed.

    Raises: ObtainError, whose message is one line for the user.
    """
    host, pins, limits = host or this_host(), pins or read_pins(), limits or Limits()
    cache = DaprCache(host.cache_directory / "dapr")
    installed = find_installed(host, pins, progress)
    names = [link_name(*installed, host)] if installed else _cached_names(pins, host)
    if binaries := _find_any(cache, names):
        return _ready(binaries, progress)
    try:
        binaries = _make(cache, names, installed, host=host, pins=pins, limits=limits, progress=progress)
    except OSError as error:  # a full disk, mostly
        raise ObtainError(f"obtaining Dapr failed in {cache.root}: {error.strerror or error}") from error
    return _ready(binaries, progress)


def find_obtained(progress: Progress) -> DaprBinaries | None:
    """What `obtain` would answer at once, None where it would have to make it. Raises: ObtainError."""
    host, pins = this_host(), read_pins()
    installed = find_installed(host, pins, progress)
    names = [link_name(*installed, host)] if installed else _cached_names(pins, host)
    return _find_any(DaprCache(host.cache_directory / "dapr"), names)


def _make(
    cache: DaprCache,
    names: list[str],
    installed: tuple[dict[str, Path], Versions] | None,
    *,
    host: Host,
    pins: Pins,
    limits: Limits,
    progress: Progress,
) -> DaprBinaries:
    with cache.locked(wait_seconds=limits.lock_seconds, progress=progress):
        if binaries := _find_any(cache, names):
            return binaries  # another clone made it while this one waited
        with cache.partial() as scratch:
            if installed:
                programs, versions = installed
                link(programs, _new_set(scratch))
                return cache.publish(scratch / "set", names[0], versions=versions, origin="installed")
            versions, origin = _fill(scratch, cache=cache, host=host, pins=pins, limits=limits, progress=progress)
            return cache.publish(scratch / "set", versions.cache_key(host.name), versions=versions, origin=origin)


def _fill(
    scratch: Path, *, cache: DaprCache, host: Host, pins: Pins, limits: Limits, progress: Progress
) -> tuple[Versions, Origin]:
    try:
        download_release(_new_set(scratch), scratch=scratch, host=host, pins=pins, limits=limits, progress=progress)
    except ReleaseError as error:
        progress(f"{error}; building Dapr instead")
    else:
        return pins.release, "release"
    try:
        build_programs(
            _new_set(scratch),
            scratch=scratch,
            host=host,
            versions=pins.build,
            log=cache.log_file,
            limits=limits,
            progress=progress,
        )
    except ObtainError as error:
        raise ObtainError(f"{error}; or set PLAZA_DAPR_MIRROR to a mirror of Dapr's releases") from error
    return pins.build, "build"


def _new_set(scratch: Path) -> Path:
    """An empty directory for the programs, without what a failed way may have left in it."""
    made = scratch / "set"
    if made.exists():
        made.rename(scratch / "abandoned")
    directory = program_directory(made)
    directory.mkdir(parents=True)
    return directory


def _cached_names(pins: Pins, host: Host) -> list[str]:
    return list(dict.fromkeys(versions.cache_key(host.name) for versions in (pins.build, pins.release)))


def _find_any(cache: DaprCache, names: list[str]) -> DaprBinaries | None:
    return next((binaries for name in names if (binaries := cache.find(name))), None)


def _ready(binaries: DaprBinaries, progress: Progress) -> DaprBinaries:
    progress(f"Dapr {binaries.runtime_version}, CLI {binaries.cli_version} ({binaries.origin}): {binaries.directory}")
    return binaries

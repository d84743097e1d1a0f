"""The second way: the archives that the Dapr project publishes, each used only if its sha256 is the pinned one."""

import shutil
import tarfile
import time
from pathlib import Path

from tools.dapr.binaries import PROGRAMS
from tools.dapr.pins import Pins
from tools.dapr.probe import runs_as
from tools.obtain.download import DownloadError, fetch
from tools.obtain.errors import Progress
from tools.obtain.host import Host
from tools.obtain.limits import Limits
from tools.obtain.versions import require_version


class ReleaseError(Exception):
    """The archives cannot be used here; the message is one line and the next way is due."""


class WrongChecksumError(ReleaseError):
    """An archive is not the one that Plaza knows: damaged, or tampered with on the way."""


def release_base(pins: Pins, host: Host) -> str:
    """GitHub, or the mirror that PLAZA_DAPR_MIRROR names, laid out in the same way."""
    return (host.environment.get("PLAZA_DAPR_MIRROR") or pins.release_url).rstrip("/")


def download_release(
    directory: Path, *, scratch: Path, host: Host, pins: Pins, limits: Limits, progress: Progress
) -> None:
    """Puts the five programs into `directory`.

    Raises: ReleaseError, its subclass WrongChecksumError among them; `directory` may then hold some of them.
    """
    if unpinned := pins.unpinned(host.name):
        raise ReleaseError(f"no checksum is pinned for {', '.join(unpinned)} {pins.release.runtime} on {host.name}")
    base = release_base(pins, host)
    progress(f"downloading Dapr {pins.release.runtime} and its CLI {pins.release.cli} from {base}")
    deadline = time.monotonic() + limits.download_seconds
    for program in PROGRAMS:
        path = pins.archive(program, host.name)
        archive = scratch / f"{program}.tar.gz"
        try:
            received = fetch(f"{base}/{path}", archive, limits=limits, deadline=deadline)
        except DownloadError as error:
            raise ReleaseError(f"{base}/{path}: {error}") from error
        if received != pins.sha256[path]:
            raise WrongChecksumError(
                f"WRONG CHECKSUM: {base}/{path} has sha256 {received}, pinned is {pins.sha256[path]}; "
                "the archive was thrown away: tell whoever runs that server, for it may have been tampered with"
            )
        _extract(program, archive, directory)
        archive.unlink()
        if not runs_as(directory / program, require_version(pins.release.of(program))):
            raise ReleaseError(f"the {program} of {base} does not run here as {pins.release.of(program)}")
        progress(f"{program} {pins.release.of(program)}: downloaded, its checksum is right")


def _extract(program: str, archive: Path, directory: Path) -> None:
    """The one file of that name, and nothing else: no path of the archive is ever used."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.isfile() and Path(member.name).name == program and (source := tar.extractfile(member)):
                    with source, (directory / program).open("wb") as target:
                        shutil.copyfileobj(source, target)
                    (directory / program).chmod(0o755)
                    return
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ReleaseError(f"{archive.name} cannot be unpacked: {error}") from error
    raise ReleaseError(f"{archive.name} holds no {program}")

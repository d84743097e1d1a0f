"""Writes the checksums of the published archives into `pins.json`; for whoever raises a version, on an open network.

    python -m tools.dapr pin [RUNTIME_VERSION [CLI_VERSION]]

It compares each archive with the `.sha256` that Dapr publishes beside it and refuses a difference. That guards against
a damaged download, not against a bad release: read the change of `pins.json` before it is merged.
"""

import json
import tempfile
import time
from pathlib import Path

from tools.dapr.binaries import PROGRAMS
from tools.dapr.pins import PINS_FILE, Versions, archive_path, read_pins
from tools.dapr.release import release_base
from tools.obtain.download import DownloadError, fetch
from tools.obtain.errors import ObtainError, Progress
from tools.obtain.host import ARCHITECTURES, SYSTEMS, Host
from tools.obtain.limits import Limits
from tools.obtain.versions import require_version

PIN_SECONDS = 3600


def write_pins(arguments: list[str], *, host: Host, progress: Progress, file: Path = PINS_FILE) -> None:
    """All or nothing: the file is changed when every archive of every platform has its checksum.

    Raises: ObtainError.
    """
    pins = read_pins(file)
    versions = Versions(*[*arguments, *[pins.release.runtime, pins.release.cli][len(arguments) :]])
    for version in (versions.runtime, versions.cli):
        require_version(version)
    base, deadline = release_base(pins, host), time.monotonic() + PIN_SECONDS
    sha256: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for path in _archives(versions):
            sha256[path] = _published(f"{base}/{path}", Path(scratch) / "file", deadline=deadline)
            progress(f"{sha256[path]}  {path}")
    data = json.loads(file.read_text(encoding="utf-8"))
    data["release"]["versions"] = {"runtime": versions.runtime, "cli": versions.cli}
    data["release"]["source"] = "Downloaded, and equal to the .sha256 that Dapr publishes beside each archive."
    data["release"]["sha256"] = dict(sorted(sha256.items()))
    file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _archives(versions: Versions) -> list[str]:
    architectures = sorted(set(ARCHITECTURES.values()))
    hosts = [f"{system}-{architecture}" for system in SYSTEMS for architecture in architectures]
    return [archive_path(program, versions, host_name) for host_name in hosts for program in PROGRAMS]


def _published(url: str, target: Path, *, deadline: float) -> str:
    try:
        received = fetch(url, target, limits=Limits(), deadline=deadline)
        fetch(f"{url}.sha256", target, limits=Limits(), deadline=deadline)
    except DownloadError as error:
        raise ObtainError(f"{url}: {error}; pins.json is unchanged") from error
    published = target.read_text(encoding="utf-8", errors="replace").split()
    if not published or published[0].lower() != received:
        raise ObtainError(f"{url} has sha256 {received}, and another is published beside it; pins.json is unchanged")
    return received

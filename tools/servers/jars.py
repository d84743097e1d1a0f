"""Kafka as the jars that Maven Central serves, each used only if its sha256 is the pinned one."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.obtain.download import DownloadError, fetch
from tools.obtain.errors import ObtainError
from tools.servers.workshop import LOCKS, Workshop

LOCK = LOCKS / "kafka.lock"
CENTRAL = "https://repo.maven.apache.org/maven2"
AT_ONCE = 8


def pinned_jars() -> dict[str, str]:
    """Path on the server → sha256."""
    rows = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {path: sha256 for sha256, path in rows}


def fetch_jars(directory: Path, jars: Mapping[str, str], workshop: Workshop) -> None:
    """Fills `directory/libs` with `jars`, sha256 by path. Raises: ObtainError.

    PLAZA_MAVEN_MIRROR names another server laid out like Central.
    """
    base = (workshop.host.environment.get("PLAZA_MAVEN_MIRROR") or CENTRAL).rstrip("/")
    workshop.progress(f"downloading Kafka, {len(jars)} files, from {base}")
    deadline = min(workshop.deadline, time.monotonic() + workshop.limits.download_seconds)
    libraries = directory / "libs"
    libraries.mkdir()

    def one(path: str) -> None:
        try:
            received = fetch(f"{base}/{path}", libraries / Path(path).name, limits=workshop.limits, deadline=deadline)
        except DownloadError as error:
            raise ObtainError(f"{base}/{path}: {error}; PLAZA_MAVEN_MIRROR may name another server") from error
        if received != jars[path]:
            raise ObtainError(f"WRONG CHECKSUM: {base}/{path} has sha256 {received}, pinned is {jars[path]}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(one, path) for path in jars]:
            future.result()

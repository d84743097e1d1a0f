"""A per-user cache of programs, so that a second clone of Plaza on a machine obtains nothing.

A set is complete or absent: it is made in a `.partial-` directory and renamed into place. Whoever writes holds the
lock, so a `.partial-` directory that a holder of the lock meets belongs to an attempt that was killed, and is swept.
"""

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.obtain.errors import ObtainError, Progress

PARTIAL_PREFIX = ".partial-"
LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Cache:
    root: Path

    @property
    def log_file(self) -> Path:
        return self.root / "build.log"

    @contextlib.contextmanager
    def locked(self, *, wait_seconds: float, progress: Progress) -> Iterator[None]:
        """Raises: ObtainError when the directory cannot be written or another process keeps the lock too long."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("w")
        except OSError as error:
            raise ObtainError(
                f"cannot write to the cache {self.root} ({error.strerror}): set PLAZA_CACHE_DIR to a directory of yours"
            ) from error
        with lock:
            self._acquire(lock.fileno(), wait_seconds=wait_seconds, progress=progress)
            self._sweep()
            yield  # closing the file, or the death of this process, gives the lock back

    def _acquire(self, descriptor: int, *, wait_seconds: float, progress: Progress) -> None:
        deadline = time.monotonic() + wait_seconds
        announced = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise ObtainError(
                        f"another process has held {self.root / '.lock'} for {wait_seconds:.0f} s: "
                        "end it (it is another `make run`, or a build), then try again"
                    ) from error
                if not announced:
                    progress(
                        f"another clone is obtaining programs; waiting for it, at most {wait_seconds / 60:.0f} min"
                    )
                    announced = True
                time.sleep(LOCK_POLL_SECONDS)
            else:
                return

    def _sweep(self) -> None:
        for leftover in self.root.glob(f"{PARTIAL_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)

    @contextlib.contextmanager
    def partial(self) -> Iterator[Path]:
        """A scratch directory beside the sets (so that a rename is atomic); gone at the end, whatever happens."""
        directory = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=self.root))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def put(self, made: Path, name: str) -> Path:
        """Renames `made`, a directory inside `partial()`, into place; what is there already goes with the scratch."""
        made.chmod(0o755)
        target = self.root / name
        if target.exists():  # it was refused: somebody removed a part of it
            target.rename(made.parent / "broken")
        return made.rename(target)

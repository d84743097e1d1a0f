"""Where one shop keeps everything that it writes, so that two shops never touch the same file."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.local.errors import LocalError

PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_HOME = PROJECT / ".plaza"
SOCKET_PATH_LIMIT_BYTES = 100  # the kernel's limit is 107
FREE_SPACE_NEEDED_BYTES = 300 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of one shop; every path below it is named here and nowhere else."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        return cls(Path(os.environ.get("PLAZA_HOME") or DEFAULT_HOME).expanduser().resolve())

    @property
    def is_default(self) -> bool:
        return self.root == DEFAULT_HOME.resolve()

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def env(self) -> Path:
        return self.root / "env"

    @property
    def run_json(self) -> Path:
        return self.root / "run.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def mail(self) -> Path:
        return self.root / "mail"

    @property
    def run(self) -> Path:
        """What is true only while processes live: the lock and the list of processes."""
        return self.root / "run"

    @property
    def dapr(self) -> Path:
        """The derived copy of dapr.yaml, components/ and config/, when the root files do not fit."""
        return self.root / "dapr"

    @property
    def runtime(self) -> Path:
        """What DAPR_RUNTIME_PATH names: the CLI looks for `.dapr/bin/daprd` below it."""
        return self.root / "runtime"

    @property
    def ca_certificate(self) -> Path:
        return self.root / "sentry" / "ca.crt"

    @property
    def postgres_socket_directory(self) -> Path:
        wanted = self.run / "postgres"
        if len(os.fsencode(wanted / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT_BYTES:
            return wanted
        key = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:10]
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        base = Path(runtime) if runtime and Path(runtime).is_dir() else Path(tempfile.gettempdir())
        return base / f"plaza-{os.getuid()}-{key}"

    def create(self) -> None:
        """Raises: LocalError when the directory cannot be made or its disk is full."""
        try:
            mailbox = (
                self.mail / part for part in ("cur", "new", "tmp")
            )  # a Maildir: its server makes none in a directory that is there
            for path in (self.root, self.logs, self.run, *mailbox):
                path.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as error:
            raise LocalError(
                f"Cannot write {self.root} ({error.strerror}): set PLAZA_HOME to a place that can."
            ) from error
        free_bytes = shutil.disk_usage(self.root).free
        if free_bytes < FREE_SPACE_NEEDED_BYTES:
            raise LocalError(
                f"Only {free_bytes // 2**20} MB are free at {self.root} and {FREE_SPACE_NEEDED_BYTES // 2**20} MB are"
                " needed: free some space, or set PLAZA_HOME to another disk."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the shop for this process; the kernel lets go of it however the process ends.

        Raises: LocalError when another process holds it.
        """
        with (self.run / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise LocalError(
                    f"The shop in {self.root} is already running (pid {holder}): use it, or stop it with 'make stop'."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def find_holder_pid(self) -> int | None:
        """The process that holds the lock now, if any does."""
        try:
            with (self.run / "lock").open("r+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    text = lock.read().strip()
                    return int(text) if text.isdigit() else None
        except FileNotFoundError:
            pass
        return None

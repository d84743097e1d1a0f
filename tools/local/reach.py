"""Whether servers accept a connection at the addresses that a secret names, for those that we do not start ourselves."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress

SECONDS = 2.0
POSTGRES_PORT = 5432
_HOST = re.compile(r"\bhost=(?P<host>\S+)")
_PORT = re.compile(r"\bport=(?P<port>\d+)")
_ADDRESS = re.compile(r"(?:^|[@,/])(?P<host>[\w.-]+):(?P<port>\d+)(?=[,/?]|$)")


def addresses(secret: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Every host and port in the values of a secret: `a:1,b:2`, `nats://a:1`, `mongodb://user:word@a:1/`, `host=a port=1`."""
    for value in secret.values():
        if host := _HOST.search(value):
            port = _PORT.search(value)
            yield host["host"], int(port["port"]) if port else POSTGRES_PORT
        else:
            yield from ((found["host"], int(found["port"])) for found in _ADDRESS.finditer(value))


def accepts(host: str, port: int) -> bool:
    """A host that begins with `/` is a directory of PostgreSQL's sockets."""
    with suppress(OSError):
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(SECONDS)
                connection.connect(f"{host}/.s.PGSQL.{port}")
                return True
        with socket.create_connection((host, port), timeout=SECONDS):
            return True
    return False

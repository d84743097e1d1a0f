"""Whether servers accept a connection at the addresses that component files and secrets name."""

import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from tools.local.components import Component, Mistake
from tools.local.errors import LocalError

SECONDS = 2.0
POSTGRES_PORT = 5432
_HOST = re.compile(r"\bhost=(?P<host>\S+)")
_PORT = re.compile(r"\bport=(?P<port>\d+)")
_ADDRESS = re.compile(r"(?:^|[@,/])(?P<host>[\w.-]+):(?P<port>\d+)(?=[,/?]|$)")


def require_reachable(components: Iterable[Component], secrets: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises: LocalError with each component at none of whose addresses anything listens, a line each."""
    if silent := [str(mistake) for mistake in find_unreachable(components, secrets)]:
        raise LocalError("\n       ".join(silent))


def find_unreachable(components: Iterable[Component], secrets: Mapping[str, Mapping[str, Any]]) -> Iterator[Mistake]:
    """One address of several that answers is enough: a cluster may have lost a member."""
    for component in components:
        named = (secrets[one[0]][one[1]] if isinstance(one, tuple) else one for one in component.servers)
        places = list(addresses(named))
        if places and not any(accepts(host, port) for host, port in places):
            where = ", ".join(f"{host}:{port}" for host, port in places)
            yield Mistake(component.name, f"nothing answers at {where} ({component.file})")


def addresses(values: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Every host and port in them: `a:1,b:2`, `nats://a:1`, `mongodb://user:word@a:1/`, `host=a port=1`."""
    for value in values:
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

"""Which port belongs to what, moved as a whole when two shops share one machine, and a clear word when one is taken."""

import fcntl
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tools.local.errors import LocalError
from tools.obtain.host import this_host

FIRST_EPHEMERAL_PORT = (
    32768  # Linux hands out ports from here to outgoing connections: a listener there may lose its place
)
SENTRY_PORT = 50001  # the CLI knows no other: pkg/standalone/run.go, sentryDefaultAddress

# Their last three digits differ, from each other's and those in dapr.yaml, so that shops moved by thousands never meet.
BACKEND_PORTS: Mapping[str, int] = {
    "redis": 6390,
    "mail": 2525,
    "kafka": 4394,
    "kafka controller": 4395,
    "nats": 4322,
    "etcd-1": 4411,
    "etcd-1 peer": 4421,
    "etcd-2": 4412,
    "etcd-2 peer": 4422,
    "etcd-3": 4413,
    "etcd-3 peer": 4423,
    "openbao": 8210,
    "openbao cluster": 8211,
    "consul": 8510,
    "consul lan": 8511,
    "consul rpc": 8512,
    "placement": 50105,
    "placement health": 3800,
    "placement metrics": 3810,
    "placement raft": 3820,
    "scheduler": 50106,
    "scheduler health": 3801,
    "scheduler metrics": 3811,
    "scheduler etcd client": 3821,
    "scheduler etcd peer": 3831,
    "sentry": SENTRY_PORT,
    "sentry health": 3802,
}


OFFSETS = range(11_000, 24_000, 1_000)
"""How far the ports of shops beside others may be moved."""


def shift(port: int, offset: int) -> int:
    """The port that another shop uses in place of this one; never in the ephemeral range unless it was there."""
    if offset == 0:
        return port
    if port + offset < FIRST_EPHEMERAL_PORT:
        return port + offset
    return 3900 + port % 100 + offset


@dataclass(frozen=True, slots=True)
class BackendPorts:
    """The ports of one shop's back ends and control plane."""

    offset: int = 0

    def __getitem__(self, name: str) -> int:
        return shift(BACKEND_PORTS[name], self.offset)

    def of(self, backend: str) -> dict[str, int]:
        """`{"port": …, "health_port": …}` of one back end."""
        return {
            (name.removeprefix(backend).strip() + " port").strip().replace(" ", "_"): self[name]
            for name in BACKEND_PORTS
            if name.split()[0] == backend
        }


def port_from_environment(name: str) -> int | None:
    """The number that the user chose, or None. Raises: LocalError when it cannot be a port."""
    text = os.environ.get(name, "")
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise LocalError(f"{name} is {text!r}: give a number from 1 to 65535.")
    return int(text)


def require_free(ports: Mapping[str, int]) -> None:
    """Raises: LocalError naming the first taken port, who holds it where that can be seen, and what to do."""
    for name, port in ports.items():
        if is_free(port):
            continue
        holder = _describe_holder(port)
        remedy = (
            "choose another with PLAZA_PORT=8081" if name == "gateway" else "move the shop with PLAZA_PORT_OFFSET=10000"
        )
        raise LocalError(f"Port {port} (for {name}) is taken by {holder}: stop that, or {remedy}.")


_claimed: dict[int, int] = {}
"""The offsets and ports that this process keeps from others, and the open files by which it does so, until it ends."""


def find_free_offset(app_ports: Mapping[str, int]) -> int:
    """How far to move a second shop so that all its ports are free now, and no other process of the user is about to take them.

    Raises: LocalError when no move helps.
    """
    ports = [*BACKEND_PORTS.values(), *app_ports.values()]
    for offset in OFFSETS:
        if _claim(offset) and all(is_free(shift(port, offset)) for port in ports):
            return offset
    raise LocalError("No room is left for another shop's ports: stop one of those that run.")


def _claim(number: int) -> bool:
    if number not in _claimed:
        locks = this_host().cache_directory / "ports"
        locks.mkdir(parents=True, exist_ok=True)
        file = os.open(locks / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        _claimed[number] = file
    return True


def find_free_port(*, after: int = 0) -> int:
    """One above `after` that nobody expects anything at, and no other process of the user is about to take.

    Raises: LocalError when none is left.
    """
    for port in range(max(28_000, after + 1), FIRST_EPHEMERAL_PORT):
        if _claim(port) and is_free(port):
            return port
    raise LocalError("No port is free from 28000 on: stop what takes them.")


def is_free(port: int) -> bool:
    """Whether a listener may bind the port now, on loopback and on every interface alike."""
    for host in ("127.0.0.1", ""):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def answers(port: int) -> bool:
    """Whether something on loopback accepts a connection at the port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


def _describe_holder(port: int) -> str:
    with suppress(psutil.Error):  # another user's sockets are hidden from us
        for connection in psutil.net_connections(kind="tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"

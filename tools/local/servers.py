"""The servers behind a stack's components: which must be there, and how each is started."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from tools.local.backend import Backend
from tools.local.consul import consul
from tools.local.errors import LocalError
from tools.local.etcd import etcd
from tools.local.home import Home
from tools.local.kafka import kafka
from tools.local.nats import nats
from tools.local.openbao import openbao
from tools.local.ports import BackendPorts
from tools.local.postgres import postgres
from tools.local.redis import redis
from tools.local.secret_file import MONGODB, Secrets
from tools.local.stack import SERVERS as SERVERS_OF
from tools.local.stack import Stack, own_servers
from tools.obtain.errors import ObtainError, Progress
from tools.servers import SERVERS as OBTAINED
from tools.servers import obtain_java, obtain_server

SERVERS = tuple(dict.fromkeys(server for servers in SERVERS_OF.values() for server in servers))


def obtain_servers(stack: Stack, progress: Progress) -> Mapping[str, Path]:
    """The directory of each program that the stack needs and no wheel of ours brings. Raises: LocalError."""
    if "mongodb" in stack.states and not os.environ.get(MONGODB) and "mongodb" not in own_servers():
        raise LocalError(
            f"STATE=mongodb needs a replica set of yours, since we cannot obtain one: set {MONGODB}=mongodb://…"
        )
    try:
        found = {name: obtain_server(name, progress) for name in _programs(stack)}
        if "kafka" in found:
            found["java"] = obtain_java(progress)
    except ObtainError as error:
        raise LocalError(str(error)) from error
    return found


def makers(
    stack: Stack, home: Home, programs: Mapping[str, Path], *, ports: BackendPorts, secrets: Secrets
) -> Iterator[Callable[[], Backend]]:
    """What makes each of the stack's servers; they may be started side by side."""
    for server in stack.servers:
        match server:
            case "postgres":
                yield partial(postgres, home)
            case "redis":
                yield partial(
                    redis,
                    home,
                    port=ports["redis"],
                    password=secrets["redis"]["password"],
                    keeps_records="redis" in stack.states,
                )
            case "kafka":
                yield partial(kafka, home, programs["java"], programs["kafka"], ports=ports)
            case "nats":
                yield partial(nats, home, programs["nats"], ports=ports, token=secrets["nats"]["token"])
            case "openbao":
                yield partial(openbao, home, programs["openbao"], ports=ports, secrets=secrets)
            case "consul":
                yield partial(consul, home, programs["consul"], ports=ports)
            case _:
                yield partial(etcd, home, programs["etcd"], server, ports=ports)


def _programs(stack: Stack) -> Iterator[str]:
    names = {server.partition("-")[0] for server in stack.servers}
    return (name for name in sorted(names) if name in OBTAINED)

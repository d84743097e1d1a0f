"""`make test-containers`: the tests of the shop, unchanged, on servers from images instead of those that our own tools start.

Where no Docker engine is found it says so, and that counts as skipped.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer

from tools.local.home import PROJECT
from tools.local.nats import has_streams
from tools.local.ports import answers, find_free_port
from tools.local.stack import OWN_SERVERS
from tools.local.waiting import wait_until

ENGINE_ANSWERS_WITHIN_SECONDS = 10
READY_WITHIN_SECONDS = 120
STACKS = ("STATE=postgres PUBSUB=redis", "STATE=mongodb PUBSUB=kafka", "STATE=etcd PUBSUB=nats CACHE=postgres")
"""Each technology once."""

TESTS = ("tests/e2e", "tests/integration")


@dataclass(frozen=True)
class Image:
    """A server from an image, listening on the same port inside and outside; `secret` is what a shop is told of it."""

    name: str
    port: int
    secret: Mapping[str, str]
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    once: tuple[str, ...] = ()
    """A command inside it that makes it ready; it may be repeated until it succeeds."""
    is_ready: Callable[[], bool] | None = None


def images(ports: Mapping[str, int], password: str) -> dict[str, Image]:
    """By technology. The brokers and the replica set tell clients their address, so a port must be known before the start."""
    at = {technology: f"127.0.0.1:{port}" for technology, port in ports.items()}
    return {
        "postgres": Image(
            "postgres:18",
            ports["postgres"],
            {
                "connectionString": f"host=127.0.0.1 port={ports['postgres']} user=postgres password={password}"
                " database=postgres pool_max_conns=8"
            },
            command=f"postgres -c max_connections=200 -c port={ports['postgres']}",
            environment={"POSTGRES_PASSWORD": password},
            once=("pg_isready", "-h", "127.0.0.1", "-p", str(ports["postgres"]), "-U", "postgres"),
        ),
        "redis": Image(
            "redis:7.4",
            ports["redis"],
            {"host": at["redis"], "password": password},
            command=f"redis-server --port {ports['redis']} --requirepass {password} --appendonly yes",
        ),
        "etcd": Image(
            "quay.io/coreos/etcd:v3.6.6",
            ports["etcd"],
            {"endpoints": at["etcd"]},
            command=f"etcd --listen-client-urls http://0.0.0.0:{ports['etcd']}"
            f" --advertise-client-urls http://{at['etcd']} --max-txn-ops 512",
        ),
        "nats": Image(
            "nats:2.12",
            ports["nats"],
            {"url": f"nats://{at['nats']}", "token": password},
            command=f"--jetstream --port {ports['nats']} --auth {password}",
            is_ready=lambda: has_streams(ports["nats"], password),
        ),
        "kafka": Image(
            "apache/kafka:4.1.1",
            ports["kafka"],
            {"brokers": at["kafka"]},
            environment={
                "KAFKA_NODE_ID": "1",
                "KAFKA_PROCESS_ROLES": "broker,controller",
                "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:9093",
                "KAFKA_LISTENERS": f"CLIENT://0.0.0.0:{ports['kafka']},CONTROLLER://127.0.0.1:9093",
                "KAFKA_ADVERTISED_LISTENERS": f"CLIENT://{at['kafka']}",
                "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
                "KAFKA_INTER_BROKER_LISTENER_NAME": "CLIENT",
                "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
                "KAFKA_NUM_PARTITIONS": "3",
            },
        ),
        "mongodb": Image(
            "mongo:8.0",
            ports["mongodb"],
            {"connectionString": f"mongodb://{at['mongodb']}/?replicaSet=plaza"},
            command=f"mongod --replSet plaza --bind_ip_all --port {ports['mongodb']}",
            once=("mongosh", "--quiet", "--port", str(ports["mongodb"]), "--eval", _replica_set(at["mongodb"])),
        ),
    }


def _replica_set(member: str) -> str:
    begin = f"rs.initiate({{_id: 'plaza', members: [{{_id: 0, host: '{member}'}}]}})"
    return f"try {{ rs.status() }} catch (e) {{ {begin} }}; if (!db.hello().isWritablePrimary) quit(1)"


def find_no_engine() -> str:
    """Why there is no Docker engine; empty when one answers."""
    try:
        docker.from_env(timeout=ENGINE_ANSWERS_WITHIN_SECONDS).ping()
    except (DockerException, OSError) as error:
        return " ".join(str(error).split())
    return ""


@contextmanager
def running(image: Image) -> Iterator[None]:
    """Inside the block the server serves on loopback."""
    container = DockerContainer(image.name).with_envs(**image.environment)
    if image.command:
        container.with_command(image.command)
    published: dict[str, Any] = container.ports
    published[f"{image.port}/tcp"] = ("127.0.0.1", image.port)

    def is_ready() -> bool:
        if image.once:
            return bool(container.exec(list(image.once)).exit_code == 0)
        return image.is_ready() if image.is_ready else answers(image.port)

    with container:
        wait_until(
            is_ready, timeout_seconds=READY_WITHIN_SECONDS, otherwise=lambda: f"{image.name}: {container.get_logs()}"
        )
        yield


def main() -> int:
    if reason := find_no_engine():
        print(f"skipped: no Docker engine is found ({reason})")
        return 0
    ports: dict[str, int] = {}
    for technology in ("postgres", "redis", "etcd", "nats", "kafka", "mongodb"):
        ports[technology] = find_free_port(after=max(ports.values(), default=0))
    wanted = images(ports, secrets.token_hex(16))
    failed = []
    with ExitStack() as stack:
        for technology, image in wanted.items():
            print(f"starting {technology} from {image.name}", flush=True)
            stack.enter_context(running(image))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plaza-containers-")))
        file = directory / "servers.json"
        file.write_text(json.dumps({technology: dict(image.secret) for technology, image in wanted.items()}))
        for words in STACKS:
            print(f"\n{words}, on containers", flush=True)
            environment = {**os.environ, OWN_SERVERS: str(file), "PLAZA_STACK": words}
            command = [sys.executable, "-m", "pytest", "-o", "timeout_func_only=true", *TESTS]
            if subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode:
                failed.append(words)
    print(f"failed: {'; '.join(failed)}" if failed else f"{len(STACKS)} stacks passed on containers")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

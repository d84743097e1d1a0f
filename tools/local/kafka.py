"""Kafka as one node that is broker and controller at once (KRaft), on loopback, with its log under home."""

import base64
import subprocess
import uuid
from pathlib import Path

from tools.local.atomic import write_atomically
from tools.local.backend import Backend
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.ports import BackendPorts, answers

HEAP = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
FORMAT_SECONDS = 60
PARTITIONS = 12
"""An event that its consumer refuses holds back those behind it in its partition until it is given up."""


def kafka(home: Home, java: Path, directory: Path, *, ports: BackendPorts) -> Backend:
    """`directory` holds Kafka's jars. Raises: LocalError when the log directory cannot be prepared."""
    data = home.root / "kafka"
    data.mkdir(exist_ok=True, mode=0o700)
    client, controller = ports["kafka"], ports["kafka controller"]
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"CLIENT://127.0.0.1:{client}",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data / "log",
        "num.partitions": PARTITIONS,
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    configuration = data / "server.properties"
    write_atomically(configuration, "".join(f"{name}={value}\n" for name, value in settings.items()))
    run = [str(java), *HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{directory / 'libs'}/*"]
    if not (data / "log" / "meta.properties").exists():
        _format([*run, "kafka.tools.StorageTool"], configuration)
    return Backend(
        name="kafka",
        command=[*run, "kafka.Kafka", str(configuration)],
        log=home.logs / "kafka.log",
        is_ready=lambda: answers(client),
        details={"host": "127.0.0.1", **ports.of("kafka")},
        ready_within_seconds=90,
    )


def _format(tool: list[str], configuration: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [*tool, "format", f"--cluster-id={cluster}", "--config", str(configuration), "--ignore-formatted"]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"Kafka's log directory could not be prepared: {error}") from error
    if made.returncode:
        said = [line for line in (made.stderr or made.stdout).splitlines() if line.strip()]
        raise LocalError(f"Kafka's log directory could not be prepared: {said[-1] if said else made.returncode}")

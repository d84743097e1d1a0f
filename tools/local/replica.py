"""How a second replica of an app is started beside the first: as the first one was, on ports of its own."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SIDECAR_PORTS = ("dapr-http-port", "dapr-grpc-port", "dapr-internal-grpc-port", "metrics-port")


@dataclass(frozen=True, slots=True)
class Start:
    """What starts one process."""

    command: list[str]
    environment: dict[str, str]
    directory: Path


@dataclass(frozen=True, slots=True)
class Replica:
    """An app and its sidecar that are not started yet."""

    app_port: int
    app: Start
    sidecar: Start


def beside(first: Mapping[str, Any]) -> Replica:
    """Another of the pair that `run.json` tells of as `first` (`app_pid`, `daprd_pid`), on ports that are free now."""
    app, daprd = psutil.Process(first["app_pid"]), psutil.Process(first["daprd_pid"])
    ports = free_ports("app-port", *SIDECAR_PORTS)
    environment = {
        **app.environ(),
        "APP_PORT": str(ports["app-port"]),
        "DAPR_HTTP_PORT": str(ports["dapr-http-port"]),
        "DAPR_GRPC_PORT": str(ports["dapr-grpc-port"]),
        "DAPR_METRICS_PORT": str(ports["metrics-port"]),
    }
    flags = daprd.cmdline()
    for name, port in ports.items():
        flags[flags.index(f"--{name}") + 1] = str(port)
    return Replica(
        ports["app-port"],
        Start(app.cmdline(), environment, Path(app.cwd())),
        Start(flags, daprd.environ(), Path(daprd.cwd())),
    )


def free_ports(*names: str) -> dict[str, int]:
    """By name, a port of loopback on which nobody listens now."""
    with ExitStack() as stack:
        listeners = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: listener.getsockname()[1] for name, listener in listeners.items()}

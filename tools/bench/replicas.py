"""A second replica of every service beside the first, each an app and a sidecar of their own, to see what but CPU is in the way."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tools.local.errors import LocalError
from tools.local.processes import ProcessTable, stop
from tools.local.waiting import answers_ok

SIDECAR_PORTS = ("dapr-http-port", "dapr-grpc-port", "dapr-internal-grpc-port", "metrics-port")
READY_SECONDS = 120.0


@contextmanager
def second_replicas(running: Mapping[str, Any], table: ProcessTable, logs: Path) -> Iterator[str]:
    """The URL of the second gateway while the block runs. Raises LocalError when a replica does not become ready."""
    started: list[psutil.Process] = []
    try:
        ports = {app_id: _start(app_id, app, table, logs, started) for app_id, app in running["apps"].items()}
        deadline = time.monotonic() + READY_SECONDS
        for app_id, port in ports.items():
            while not answers_ok(f"http://127.0.0.1:{port}/ready"):
                if time.monotonic() > deadline:
                    raise LocalError(f"The second replica of {app_id} did not become ready.")
                time.sleep(0.2)
        yield f"http://127.0.0.1:{ports['gateway']}"
    finally:
        stop(started)
        table.reap()


def _start(
    app_id: str, first: Mapping[str, Any], table: ProcessTable, logs: Path, started: list[psutil.Process]
) -> int:
    """Starts both processes as those of the first replica were, on free ports; the app's port."""
    app, daprd = psutil.Process(first["app_pid"]), psutil.Process(first["daprd_pid"])
    ports = _free_ports("app-port", *SIDECAR_PORTS)
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
    for name, command, variables, like in (
        (f"{app_id}-2", app.cmdline(), environment, app),
        (f"{app_id}-2's sidecar", flags, daprd.environ(), daprd),
    ):
        log = logs / f"{name}.log"
        process = table.start(name, command, log=log, environment=variables, directory=Path(like.cwd()))
        started.append(psutil.Process(process.pid))
    return ports["app-port"]


def _free_ports(*names: str) -> dict[str, int]:
    with ExitStack() as stack:
        listeners = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: listener.getsockname()[1] for name, listener in listeners.items()}

"""Starts a second replica of an app beside the first: an app and a sidecar with the same app id, on ports of their own."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.processes import end, free_port

START_SECONDS = 40
_SIDECAR_PORTS = ("dapr-http-port", "dapr-grpc-port", "dapr-internal-grpc-port", "metrics-port")


@contextmanager
def second_replica(
    run_json: dict[str, Any], app_id: str, directory: Path, *, becomes_ready: bool = True
) -> Iterator[dict[str, Any]]:
    """`app_pid` and `app_port` of the replica, while the block runs; both processes are started as those of the first one were.

    It is ready in the block, unless it is not expected to be. Its log is `app.log` in the directory.
    """
    first = run_json["apps"][app_id]
    app, daprd = psutil.Process(first["app_pid"]), psutil.Process(first["daprd_pid"])
    ports = {name: free_port() for name in ("app-port", *_SIDECAR_PORTS)}
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
    started = []
    try:
        for name, command, variables, like in (
            ("app", app.cmdline(), environment, app),
            ("daprd", flags, daprd.environ(), daprd),
        ):
            with (directory / f"{name}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(command, env=variables, cwd=like.cwd(), stdout=log, stderr=subprocess.STDOUT)
                )
        if becomes_ready:
            _wait_until_ready(ports["app-port"], directory)
        yield {"app_pid": started[0].pid, "app_port": ports["app-port"]}
    finally:
        for process in started:
            end(process)


def _wait_until_ready(port: int, directory: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            logs = "".join((directory / f"{name}.log").read_text()[-1000:] for name in ("app", "daprd"))
            assert time.monotonic() < deadline, f"the second replica did not become ready: {logs}"
            time.sleep(0.2)

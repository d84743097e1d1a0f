"""Another replica of the gateway beside the shop's own, with settings of its own and the same sidecar."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from tests.support.processes import end, wait_until_ready


@contextmanager
def second_gateway(run_json: dict[str, Any], **settings: str) -> Iterator[str]:
    """Its URL, while the block runs. `settings` are its environment's."""
    model = psutil.Process(run_json["apps"]["gateway"]["app_pid"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**model.environ(), "APP_PORT": str(port), **settings}
    process = subprocess.Popen(
        model.cmdline(), env=environment, cwd=model.cwd(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_ready(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)

"""An app of its own beside the shop, with a real sidecar and a real certificate, that tries to run the saga's steps."""

import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from dapr.ext.workflow import DaprWorkflowClient, DaprWorkflowContext, WorkflowRuntime

from tests.support.processes import end
from tests.support.shops import STACK
from tools.local.replica import SIDECAR_PORTS, free_ports

START_SECONDS = 40
WORKFLOW_SECONDS = 30
_WORKFLOW = "run_step"


@dataclass(frozen=True)
class Outcome:
    """How the intruder's workflow ended."""

    status: str
    failure: str


class Intruder:
    """Runs one activity of another app in a workflow of its own."""

    def __init__(self, client: DaprWorkflowClient) -> None:
        self._client = client

    def run_step(self, app_id: str, step: str) -> Outcome:
        instance_id = f"intruder-{uuid.uuid4().hex}"
        command = {"app_id": app_id, "step": step}
        self._client.schedule_new_workflow(_workflow, input=command, instance_id=instance_id)
        state = self._client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WORKFLOW_SECONDS)
        assert state is not None
        failure = state.failure_details
        return Outcome(state.runtime_status.name, failure.message if failure else "")


def _workflow(ctx: DaprWorkflowContext, command: dict[str, str]) -> Any:
    result = yield ctx.call_activity(command["step"], input={"order_id": "ord_x"}, app_id=command["app_id"])
    return result


@contextmanager
def intruder_sidecar(shop: Any, directory: Path) -> Iterator[Intruder]:
    """The intruder, while the block runs. Its sidecar is started like that of carts, with components that it may use."""
    model = psutil.Process(shop.run_json["apps"]["carts"]["daprd_pid"])
    ports = free_ports(*SIDECAR_PORTS)
    _write_components(shop, directory)
    values = _flags(model.cmdline()[1:])
    values.update({name: str(port) for name, port in ports.items()})
    values.update({"app-id": "intruder", "resources-path": str(directory)})
    for gone in ("app-port", "app-channel-address", "app-max-concurrency", "enable-app-health-check"):
        values.pop(gone, None)
    environment = {key: value for key, value in model.environ().items() if not key.endswith("API_TOKEN")}
    command = [model.exe(), *(f"--{name}={value}" for name, value in values.items())]
    log = (directory / "daprd.log").open("wb")
    process = subprocess.Popen(command, env=environment, cwd=model.cwd(), stdout=log, stderr=subprocess.STDOUT)
    runtime = WorkflowRuntime(host="127.0.0.1", port=str(ports["dapr-grpc-port"]))
    try:
        _wait_until_healthy(ports["dapr-http-port"], directory / "daprd.log")
        runtime.register_workflow(_workflow, name=_WORKFLOW)
        runtime.start()  # type: ignore[no-untyped-call]
        yield Intruder(DaprWorkflowClient(host="127.0.0.1", port=str(ports["dapr-grpc-port"])))
    finally:
        runtime.shutdown()  # type: ignore[no-untyped-call]
        end(process)
        log.close()


def _flags(arguments: list[str]) -> dict[str, str]:
    """`--name value` and `--name=value` alike; a flag without a value is true."""
    values: dict[str, str] = {}
    for index, argument in enumerate(arguments):
        if not argument.startswith("--"):
            continue
        name, equals, value = argument[2:].partition("=")
        following = arguments[index + 1] if index + 1 < len(arguments) else "--"
        values[name] = value if equals else ("true" if following.startswith("--") else following)
    return values


def _write_components(shop: Any, directory: Path) -> None:
    components = Path(__file__).parents[2] / "components"
    store = yaml.safe_load((components / f"state-{STACK.state}" / "statestore.yaml").read_text())
    del store["scopes"]
    (directory / "statestore.yaml").write_text(yaml.safe_dump(store))
    secrets = yaml.safe_load((components / "secrets-file" / "secretstore.yaml").read_text())
    for item in secrets["spec"]["metadata"]:
        if item["name"] == "secretsFile":
            item["value"] = str(shop.home.secrets)
    (directory / "secretstore.yaml").write_text(yaml.safe_dump(secrets))


def _wait_until_healthy(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1.0/healthz/outbound", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            assert time.monotonic() < deadline, f"the intruder's sidecar did not start: {log.read_text()[-2000:]}"
            time.sleep(0.2)

"""One sidecar that has both stores at once, with each app's documents behind a component of their own, and asks for no app."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from apps.shared.platform.sidecar import Sidecar
from tools.local.diagnosis import explain_sidecar
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.logs import sidecar_log
from tools.local.processes import ProcessTable, stop
from tools.local.run_file import GATEWAY, RunFile
from tools.local.waiting import answers_ok, wait_until
from tools.migrate.contents import STORES

APP_ID = "migration"
SOURCE, TARGET = "from", "to"
READY_WITHIN_SECONDS = 60.0


@contextmanager
def both_stores(
    home: Home, run_file: RunFile, table: ProcessTable, environment: Mapping[str, str], *, states: tuple[str, str]
) -> Iterator[Sidecar]:
    """A client of the sidecar that has `from-<app>` and `to-<app>` for every app; `states` are their technologies.

    It has the ports of the gateway's sidecar, which does not run. Raises: LocalError with the component that fails.
    """
    directory = run_file.path.parent / "migration"
    write_components(run_file.path.parent / "components", directory, states)
    secrets = run_file.path.parent / run_file.stack.folders["secrets"]
    gateway = next(app for app in run_file.apps if app.app_id == GATEWAY)
    grpc, metrics = gateway.other_ports[:2]
    log = sidecar_log(home.logs, APP_ID)
    log.unlink(missing_ok=True)
    child = table.start(
        APP_ID,
        [
            *(str(home.runtime / ".dapr/bin/daprd"), "--app-id", APP_ID, "--mode", "standalone", "--log-level", "warn"),
            *("--resources-path", str(directory), "--resources-path", str(secrets)),
            *("--dapr-http-port", str(gateway.dapr_http_port), "--dapr-grpc-port", str(grpc)),
            *("--metrics-port", str(metrics), "--dapr-http-max-request-size", "64"),
        ],
        log=log,
        environment=environment,
        directory=run_file.path.parent,
    )

    def is_ready() -> bool:
        if child.poll() is not None:
            raise LocalError(f"The sidecar that was to copy ended: {explain_sidecar(home.logs, APP_ID)}")
        return answers_ok(f"http://127.0.0.1:{gateway.dapr_http_port}/v1.0/healthz/outbound")

    try:
        wait_until(
            is_ready,
            timeout_seconds=READY_WITHIN_SECONDS,
            otherwise=lambda: f"The sidecar that was to copy is not ready: {explain_sidecar(home.logs, APP_ID)}",
        )
        yield Sidecar(port=gateway.dapr_http_port, token=environment["DAPR_API_TOKEN"])
    finally:
        if process := table.find(APP_ID):
            stop([process])
        table.reap()
        shutil.rmtree(directory)


def write_components(components: Path, directory: Path, states: tuple[str, str]) -> None:
    """Fills `directory` with a component for each app and side; its keys begin as those of the app do."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for side, state in zip((SOURCE, TARGET), states, strict=True):
        for app_id, store in STORES.items():
            content = yaml.safe_load((components / f"state-{state}" / f"{store}.yaml").read_text())
            name = f"{side}-{app_id}"
            (directory / f"{name}.yaml").write_text(yaml.safe_dump(_for_app(content, name, app_id)))


def _for_app(content: dict[str, Any], name: str, app_id: str) -> dict[str, Any]:
    kept = [item for item in content["spec"]["metadata"] if item["name"] != "actorStateStore"]
    spec = {**content["spec"], "metadata": [*kept, {"name": "keyPrefix", "value": app_id}]}
    return {**content, "metadata": {"name": name}, "spec": spec, "scopes": [APP_ID]}

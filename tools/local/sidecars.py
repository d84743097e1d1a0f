"""Runs the real `dapr run -f`, and knows at each moment which process is which app's and which sidecar's.

The pids come from the processes themselves: `dapr list` knows none once sidecars ask for an API token, since the CLI
stores them through the sidecar's API and sends no token.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from tools.local.diagnosis import explain_app, explain_sidecar
from tools.local.environment import link_logs
from tools.local.home import Home
from tools.local.logs import app_log, forget_old_runs, link_newest, sidecar_log
from tools.local.processes import ProcessTable, stop
from tools.local.run_file import RunFile
from tools.local.supervisor import Recipe
from tools.local.waiting import answers_ok

CLI = "dapr"
APP_GRACE_SECONDS = 12.0
SIDECAR_GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Pair:
    """The processes of one app; None for one that does not live."""

    app: psutil.Process | None = None
    daprd: psutil.Process | None = None


class Sidecars:
    """All apps of a run file with their sidecars, under one `dapr run -f`."""

    def __init__(self, home: Home, run_file: RunFile, table: ProcessTable) -> None:
        self.run_file = run_file
        self._home = home
        self._table = table
        self._cli: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    def start(self, binaries: Path, environment: Mapping[str, str]) -> None:
        link_logs(self._home, self.run_file.path.parent)
        forget_old_runs(self._home.logs, [app.app_id for app in self.run_file.apps])
        (self._home.logs / "dapr.log").unlink(missing_ok=True)
        self._began = time.time()
        self._cli = self._table.start(
            CLI,
            [str(binaries / "dapr"), "run", "-f", str(self.run_file.path)],
            log=self._home.logs / "dapr.log",
            environment=environment,
            directory=self.run_file.path.parent,
        )

    @property
    def cli_exit_code(self) -> int | None:
        """None while `dapr run` lives."""
        return self._cli.poll() if self._cli else None

    def pairs(self) -> dict[str, Pair]:
        """Every app of the run file with its living processes."""
        found = find_pairs(self._table)
        for app in self.run_file.apps:
            link_newest(self._home.logs, app.app_id, since=self._began)
        return {app.app_id: found.get(app.app_id, Pair()) for app in self.run_file.apps}

    def recipes(self, pairs: Mapping[str, Pair]) -> Iterator[tuple[Recipe, psutil.Process]]:
        """How to start each living process again as the CLI did. Raises: psutil.Error when one dies meanwhile."""
        logs = self._home.logs
        for app in self.run_file.apps:
            pair = pairs[app.app_id]
            if pair.app:
                yield (
                    Recipe.of(
                        app.app_id,
                        pair.app,
                        log=app_log(logs, app.app_id),
                        is_ready=partial(answers_ok, f"http://127.0.0.1:{app.app_port}/ready"),
                        explain=partial(explain_app, logs, app.app_id),
                    ),
                    pair.app,
                )
            if pair.daprd:
                yield (
                    Recipe.of(
                        sidecar_name(app.app_id),
                        pair.daprd,
                        log=sidecar_log(logs, app.app_id),
                        is_ready=partial(answers_ok, f"http://127.0.0.1:{app.dapr_http_port}/v1.0/healthz"),
                        explain=partial(explain_sidecar, logs, app.app_id),
                    ),
                    pair.daprd,
                )

    def stop(self, *, started: bool) -> None:
        """Ends apps, then sidecars, then the CLI.

        The CLI alone would kill all of them at once with SIGKILL. One that still starts apps is frozen first.
        """
        if self._cli is None:
            return
        if not started and self._cli.poll() is None:
            self._cli.send_signal(signal.SIGSTOP)
        end_pairs(self._table)
        if self._cli.poll() is None:
            self._cli.send_signal(signal.SIGINT if started else signal.SIGKILL)
            try:
                self._cli.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._cli.kill()
                self._cli.wait()
        rest = [process for process in self._table.list_marked() if _is_of_group(process, self._cli.pid)]
        stop(rest, stop_signal=signal.SIGKILL)


def sidecar_name(app_id: str) -> str:
    return f"{app_id}'s sidecar"


def find_pairs(table: ProcessTable) -> dict[str, Pair]:
    """The apps and sidecars among the processes that carry the shop's mark, whoever started them."""
    apps: dict[str, psutil.Process] = {}
    sidecars: dict[str, psutil.Process] = {}
    for process in sorted(table.list_marked(), key=_create_time):
        with suppress(psutil.Error):
            command = process.cmdline()
            if "--app-id" in command:
                sidecars.setdefault(command[command.index("--app-id") + 1], process)
            elif app_id := process.environ().get("APP_ID"):
                apps.setdefault(app_id, process)  # the first is the app, later ones are its children
    return {app_id: Pair(apps.get(app_id), sidecars.get(app_id)) for app_id in {**apps, **sidecars}}


def end_pairs(table: ProcessTable) -> None:
    """Lets apps end their requests while their sidecars still live, then ends the sidecars."""
    pairs = find_pairs(table).values()
    stop([pair.app for pair in pairs if pair.app], grace_seconds=APP_GRACE_SECONDS)
    stop([pair.daprd for pair in pairs if pair.daprd], grace_seconds=SIDECAR_GRACE_SECONDS)


def _create_time(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return process.create_time()
    return 0.0


def _is_of_group(process: psutil.Process, group: int) -> bool:
    with suppress(OSError):
        return os.getpgid(process.pid) == group
    return False

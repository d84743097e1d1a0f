"""One whole shop as an object: `make run` and the tests start it, look at it and end it through here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tools.local.backends import RunningBackends, dapr_binaries, start_backends, stop_backends
from tools.local.components import read_components, require_sound
from tools.local.environment import base_environment
from tools.local.errors import LocalError
from tools.local.former import remember
from tools.local.home import PROJECT, Home
from tools.local.ports import BackendPorts, require_free
from tools.local.processes import ProcessTable, stop
from tools.local.reach import require_reachable
from tools.local.readiness import wait_until_ready
from tools.local.run_file import RunFile, fitting_run_file
from tools.local.run_json import write_run_json
from tools.local.secret_file import ensure_secrets, first_admin
from tools.local.sidecars import Pair, Sidecars, sidecar_name
from tools.local.stack import Stack
from tools.local.stopping import stop_leftovers
from tools.local.supervisor import Recipe, Supervisor

Progress = Callable[[str], None]


class Shop:
    """A context manager: inside it the gateway answers, after it no process of the shop is left.

    `environment` goes to every process that it starts. With `self_healing` what dies after the start is started again;
    `words` such as `PUBSUB=kafka` change the stack of the run file.
    Raises: LocalError from `start`, which leaves nothing running.
    """

    def __init__(
        self,
        home: Home,
        *,
        progress: Progress,
        port_offset: int = 0,
        gateway_port: int | None = None,
        environment: Mapping[str, str] | None = None,
        source: Path = PROJECT / "dapr.yaml",
        self_healing: bool = False,
        words: Iterable[str] = (),
    ) -> None:
        self.home = home
        self._progress = progress
        self._port_offset = port_offset
        self._gateway_port = gateway_port
        self._base = base_environment(environment)
        self._source = source
        self._table = ProcessTable(home.root)
        self._held = ExitStack()
        self._sidecars: Sidecars | None = None
        self._backends: RunningBackends | None = None
        self._pairs: Mapping[str, Pair] = {}
        self._supervisor: Supervisor | None = None
        self._self_healing = self_healing
        self._words = tuple(words)
        self._is_ready = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self._require_sidecars().run_file.gateway_port}"

    @property
    def stack(self) -> Stack:
        return self._require_sidecars().run_file.stack

    @property
    def secrets(self) -> Mapping[str, Mapping[str, Any]]:
        return self._require_backends().secrets

    def start(self) -> None:
        self.home.create()
        self._held.enter_context(self.home.locked())
        try:
            stop_leftovers(self._table)
            run_file = fitting_run_file(
                self._source,
                self.home,
                port_offset=self._port_offset,
                gateway_port=self._gateway_port,
                words=self._words,
            )
            require_free(run_file.named_ports)
            secrets = ensure_secrets(self.home, BackendPorts(self._port_offset))
            app_ids = frozenset(app.app_id for app in run_file.apps)
            for folders in run_file.all_resources:
                require_sound(folders, app_ids=app_ids, secrets=secrets)
        except BaseException:
            self._held.close()  # nothing was started: back ends that `make backends` left running go on
            raise
        try:
            self._start(run_file)
        except BaseException:
            self.stop()
            raise

    def _start(self, run_file: RunFile) -> None:
        binaries = dapr_binaries(self._progress)
        self._backends = start_backends(
            self.home,
            binaries,
            BackendPorts(self._port_offset),
            stack=run_file.stack,
            table=self._table,
            base=self._base,
            progress=self._progress,
        )
        remember(self.home, run_file.stack.brokers)
        components = [one for folders in run_file.all_resources for one in read_components(folders)[0]]
        require_reachable({one.file: one for one in components}.values(), self._backends.secrets)
        self._sidecars = Sidecars(self.home, run_file, self._table)
        path = f"{binaries}:{self._base.get('PATH', '')}"
        self._sidecars.start(binaries, {**self._base, **self._backends.environment, "PATH": path})
        self._progress(f"starting {len(run_file.apps)} apps, each with its sidecar")
        self._pairs = wait_until_ready(self._sidecars, logs=self.home.logs, progress=self._progress)
        self._is_ready = True
        if self._self_healing:
            self._supervisor = Supervisor(
                self._table, self._recipes(), progress=self._progress, on_change=self._write_run_json
            )
        self._write_run_json()
        if self._supervisor:
            self._supervisor.start()

    def stop(self) -> None:
        """Ends all in order; safe to call again, and after a start that failed at any point."""
        if self._supervisor:
            self._supervisor.stop()
            self._supervisor = None
        self.home.run_json.unlink(missing_ok=True)
        if self._sidecars:
            self._sidecars.stop(started=self._is_ready)
            self._sidecars = None
        stop_backends(self._table)
        stop(self._table.list_marked())
        self._table.reap()
        self._held.close()

    def _recipes(self) -> Iterator[tuple[Recipe, psutil.Process]]:
        for backend, process in self._require_backends().processes.values():
            yield (
                Recipe(
                    backend.name,
                    backend.command,
                    self._base,
                    PROJECT,
                    backend.log,
                    backend.is_ready,
                    backend.last_words,
                ),
                process,
            )
        yield from self._require_sidecars().recipes(self._pairs)

    def _write_run_json(self) -> None:
        backends = {
            name: (backend, self._living(name, process))
            for name, (backend, process) in self._require_backends().processes.items()
        }
        write_run_json(
            self.home,
            run_file=self._require_sidecars().run_file,
            pairs={
                app_id: Pair(self._living(app_id, pair.app), self._living(sidecar_name(app_id), pair.daprd))
                for app_id, pair in self._pairs.items()
            },
            admin=first_admin(self.secrets),
            backends={
                name: {"pid": process and process.pid, **backend.details}
                for name, (backend, process) in backends.items()
            },
        )

    def _living(self, name: str, first: psutil.Process | None) -> psutil.Process | None:
        """Its process now; the first one where nobody looks after it."""
        return self._supervisor.find(name) if self._supervisor else first

    def _require_sidecars(self) -> Sidecars:
        if self._sidecars is None:
            raise LocalError("The shop is not running.")
        return self._sidecars

    def _require_backends(self) -> RunningBackends:
        if self._backends is None:
            raise LocalError("The shop is not running.")
        return self._backends

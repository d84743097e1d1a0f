"""Starts what the apps stand on, side by side where nothing waits for anything, and ends it."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from tools.dapr import ObtainError, obtain
from tools.local import control_plane
from tools.local.backend import Backend
from tools.local.environment import shop_environment, write_env_file, write_runtime
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.mail import mail
from tools.local.ports import BACKEND_PORTS, BackendPorts, require_free
from tools.local.processes import ProcessTable, stop
from tools.local.secret_file import Secrets, ensure_api_tokens, ensure_secrets
from tools.local.servers import SERVERS, makers, obtain_servers
from tools.local.stack import Stack

Progress = Callable[[str], None]
CONTROL_PLANE = ("scheduler", "placement", "sentry")
BACKENDS = ("mail", *CONTROL_PLANE, *SERVERS)
STOP_SIGNALS = {"postgres": signal.SIGINT}  # "fast": ends open sessions and writes a checkpoint
STOP_GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class RunningBackends:
    """The back ends with their processes, and what the apps' processes inherit."""

    processes: Mapping[str, tuple[Backend, psutil.Process]]
    environment: Mapping[str, str]
    secrets: Secrets


def needed(stack: Stack) -> tuple[str, ...]:
    """The names of the back ends that a shop on this stack stands on."""
    return ("mail", *CONTROL_PLANE, *stack.servers)


def dapr_binaries(progress: Progress) -> Path:
    """The directory with daprd, placement, scheduler, sentry and dapr. Raises: LocalError."""
    try:
        return obtain(progress).directory
    except ObtainError as error:
        raise LocalError(str(error)) from error


def start_backends(
    home: Home,
    binaries: Path,
    ports: BackendPorts,
    *,
    stack: Stack,
    table: ProcessTable,
    base: Mapping[str, str],
    progress: Progress,
) -> RunningBackends:
    """Starts all that the stack needs, or takes over those that run already. The caller ends them, also when this raises.

    Raises: LocalError on a taken port, a server that cannot be obtained, or a back end that does not come up.
    """
    table.forget_dead()
    programs = obtain_servers(stack, progress)
    to_start = {name for name in needed(stack) if not table.find(name)}
    require_free({name: ports[name] for name in BACKEND_PORTS if name.split()[0] in to_start})
    secrets = ensure_secrets(home, ports)
    tokens = ensure_api_tokens(home)
    write_runtime(home, binaries, ports)

    processes: dict[str, tuple[Backend, psutil.Process]] = {}

    def up(make: Callable[[], Backend]) -> None:
        began = time.monotonic()
        backend = make()
        processes[backend.name] = (backend, backend.start(table, base))
        progress(f"{backend.name} is ready ({time.monotonic() - began:.1f} s)")

    def up_control_plane() -> None:
        up(lambda: control_plane.sentry(home, binaries, ports))
        in_parallel(
            [
                lambda: up(lambda: control_plane.placement(home, binaries, ports)),
                lambda: up(lambda: control_plane.scheduler(home, binaries, ports)),
            ]
        )

    in_parallel(
        [
            up_control_plane,
            lambda: up(lambda: mail(home, port=ports["mail"])),
            *(partial(up, make) for make in makers(stack, home, programs, ports=ports, secrets=secrets)),
        ]
    )
    environment = shop_environment(home, tokens, base)
    write_env_file(home, binaries, environment)
    return RunningBackends(processes=dict(sorted(processes.items())), environment=environment, secrets=secrets)


def stop_backends(table: ProcessTable) -> None:
    """Ends those that are recorded, all at once: none of them needs another to put its data to rest."""

    def end(name: str) -> None:
        if process := table.find(name):
            stop([process], stop_signal=STOP_SIGNALS.get(name, signal.SIGTERM), grace_seconds=STOP_GRACE_SECONDS)

    in_parallel([partial(end, name) for name in BACKENDS])
    table.forget_dead()


def in_parallel(tasks: Sequence[Callable[[], None]]) -> None:
    """Runs all to their end and then raises the first failure, so that nothing still starts after the caller stops."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        futures = [pool.submit(task) for task in tasks]
    for future in futures:
        future.result()

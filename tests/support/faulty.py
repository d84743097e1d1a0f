"""Runs one app with points at which a test can make an order stand still: `python tests/support/faulty.py apps.orders.main`.

Only that process is changed, and nothing happens in it while no order is armed. A point is `<step> <where>`, and where is one of
    before         the step has begun, and nothing is done
    before-write   its state transaction is about to be sent; where money moves, the first one is the provider's
    after-write    that transaction was made
    before-event   all is written, and its event is about to be published
    before-answer  all is done, and daprd does not know it yet
"""

import asyncio
import os
import runpy
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
CONTROL = "PLAZA_FAULTS"
FIRST_POINT = "inventory.reserve_stock before"
_LOOK_EVERY_SECONDS = 0.1


class Control:
    """The files by which a test and the apps understand each other: `armed/<order id>` holds a point, `standing/<order id>` the order.

    While there is a `gate`, no order begins its first step before it is armed: its id is known only once it is placed.
    """

    def __init__(self, directory: Path) -> None:
        self._armed, self._standing, self._gate = directory / "armed", directory / "standing", directory / "gate"

    def create(self) -> None:
        self._armed.mkdir(parents=True)
        self._standing.mkdir()

    def close_gate(self) -> None:
        self._gate.touch()

    def open_gate(self) -> None:
        self._gate.unlink()

    def clear(self) -> None:
        """Nothing is armed, stands or waits any more."""
        for file in (self._gate, *self._armed.iterdir(), *self._standing.iterdir()):
            file.unlink(missing_ok=True)

    def arm(self, order_id: str, point: str) -> None:
        """The order stops there the first time that it comes by."""
        new = self._armed / f".{order_id}"
        new.write_text(point)
        new.replace(self._armed / order_id)

    def is_standing(self, order_id: str) -> bool:
        return (self._standing / order_id).exists()

    def release(self, order_id: str) -> None:
        (self._standing / order_id).unlink()

    def stops(self, order_id: str, point: str) -> bool:
        """Whether the caller is the first to bring the order to the point where it is to stop."""
        try:
            if (self._armed / order_id).read_text() != point:
                return False
            (self._armed / order_id).replace(self._standing / order_id)
        except FileNotFoundError:
            return False
        return True

    def is_barred(self, order_id: str) -> bool:
        return self._gate.exists() and not (self._armed / order_id).exists()


class _Run:
    """One run of one step."""

    def __init__(self, control: Control, step: str, order_id: str) -> None:
        self._control, self._step, self._order_id = control, step, order_id

    async def come_to(self, where: str) -> None:
        point = f"{self._step} {where}"
        while point == FIRST_POINT and self._control.is_barred(self._order_id):
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        if self._control.stops(self._order_id, point):
            while self._control.is_standing(self._order_id):
                await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _install(control: Control) -> None:
    from apps.shared.platform.sidecar import Sidecar
    from apps.shared.platform.steps import WorkflowWorker

    running: ContextVar[_Run | None] = ContextVar("running", default=None)
    offer, call = WorkflowWorker.offer, Sidecar.call

    def offer_stopping(self: WorkflowWorker, name: str, kind: Any, step: Callable[[Any], Awaitable[Any]]) -> None:
        async def stopping(command: Any) -> Any:
            run = _Run(control, name, command.order_id)
            running.set(run)
            await run.come_to("before")
            result = await step(command)
            await run.come_to("before-answer")
            return result

        offer(self, name, kind, stopping)

    async def call_stopping(self: Sidecar, method: str, path: str, **rest: Any) -> Any:
        run = running.get()
        if run is not None and path.startswith("/v1.0/publish/"):
            await run.come_to("before-event")
        if run is None or not path.endswith("/transaction"):
            return await call(self, method, path, **rest)
        await run.come_to("before-write")
        answer = await call(self, method, path, **rest)
        await run.come_to("after-write")
        return answer

    WorkflowWorker.offer = offer_stopping  # type: ignore[method-assign]
    Sidecar.call = call_stopping  # type: ignore[method-assign]


def write_run_file(directory: Path) -> Path:
    """In the new `directory`: the project's run files, their apps started by this program. Answers the default one."""
    directory.mkdir(parents=True)
    for name in ("components", "config"):
        (directory / name).symlink_to(PROJECT / name)
    for source in PROJECT.glob("dapr*.yaml"):
        content = yaml.safe_load(source.read_text())
        for app in content["apps"]:
            python, _, module = app["command"]
            app["command"] = [str(PROJECT / python), str(Path(__file__).resolve()), module]
        (directory / source.name).write_text(yaml.safe_dump(content, sort_keys=False))
    return directory / "dapr.yaml"


if __name__ == "__main__":
    sys.path[0] = str(PROJECT)  # as under `python -m`
    _install(Control(Path(os.environ[CONTROL])))
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)

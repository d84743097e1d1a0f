"""Offers a service's saga steps as workflow activities, run on the service's own event loop.

The SDK runs async activities on a loop of its own; connection pools and locks belong to the app's loop, so each step is handed over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, WorkflowRuntime
from pydantic import BaseModel

from apps.shared.contracts.step import StepInput
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.telemetry import about_order

log = logging.getLogger(__name__)

S = TypeVar("S", bound=StepInput)
Workflow = Callable[[DaprWorkflowContext, dict[str, Any]], Any]


class WorkflowWorker:
    """The workflow runtime of one app: its steps, and in `checkout` its workflows. Runs from `start` until `stop`."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._registrations: list[Callable[[WorkflowRuntime], None]] = []
        self._runtime: WorkflowRuntime | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = False

    def offer(self, name: str, kind: type[S], step: Callable[[S], Awaitable[BaseModel]]) -> None:
        """Register `step` as the activity `name`. It may run more than once, even at once, for one order: it must be idempotent.

        What it returns is a result, refusals included; what it raises is a fault, which the saga retries.
        """

        async def handle(raw: dict[str, Any]) -> dict[str, Any]:
            command = kind.model_validate(raw)
            with about_order(command.order_id):
                try:
                    result = await step(command)
                except Exception as error:
                    log.warning("step %s failed: %s: %s", name, type(error).__name__, error)
                    raise
                log.info("step %s", name, extra={"fields": {"step": name, "result": result.model_dump(mode="json")}})
            return {**result.model_dump(mode="json"), "step": name}

        def register(runtime: WorkflowRuntime) -> None:
            async def activity(_: WorkflowActivityContext, raw: dict[str, Any]) -> dict[str, Any]:
                assert self._loop is not None
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(handle(raw), self._loop))

            runtime.register_activity(activity, name=name)

        self._registrations.append(register)

    def host(self, name: str, versions: Mapping[str, Workflow]) -> None:
        """Register the generator functions `versions` under `name`, oldest first. A new instance runs the last one.

        An instance under way goes on with the version that it began with. Where its history names none, it began before versions were
        recorded: with the oldest. One whose version is not among these is left alone, `STALLED`, until a worker comes that has it.
        """
        oldest, latest = next(iter(versions.values())), list(versions)[-1]

        def register(runtime: WorkflowRuntime) -> None:
            for version, workflow in versions.items():
                runtime.register_versioned_workflow(
                    _hosted(workflow, oldest), name=name, version_name=version, is_latest=version == latest
                )

        self._registrations.append(register)

    @property
    def connected(self) -> bool:
        """Whether the stream by which work arrives is open; `ready` stays true when it breaks. Only the SDK's own worker (1.18.3) knows."""
        return self.ready and self._runtime._WorkflowRuntime__worker._response_stream is not None  # type: ignore[union-attr]

    async def start(self) -> None:
        """Connect to the sidecar once that is there; returns when work can arrive."""
        self._loop = asyncio.get_running_loop()
        await self._sidecar.wait_until_healthy()
        while not self.ready:
            self._runtime = _new_runtime(self._registrations)
            try:
                await asyncio.to_thread(self._runtime.start)
                self.ready = True
            except Exception as error:
                log.warning("workflow worker could not connect, trying again: %s", error)
                await asyncio.to_thread(self._runtime.shutdown)
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """Safe also while it starts: what the SDK began would keep the process alive."""
        self.ready = False
        if self._runtime is not None:
            await asyncio.to_thread(self._runtime.shutdown)

    async def reconnect(self) -> None:
        """Connect anew at once: by itself the SDK waits up to 15 s between its tries, and after some errors it tries no more."""
        await self.stop()
        await self.start()


def _hosted(workflow: Workflow, oldest: Workflow) -> Workflow:
    """`workflow`, but `oldest` for a history without a version, which the SDK (1.18.3) would give to the latest one."""

    def hosted(ctx: DaprWorkflowContext, raw: dict[str, Any]) -> Any:
        recorded = ctx._DaprWorkflowContext__obj._orchestrator_version_name
        return (oldest if ctx.is_replaying and recorded is None else workflow)(ctx, raw)

    return hosted


def _new_runtime(registrations: Sequence[Callable[[WorkflowRuntime], None]]) -> WorkflowRuntime:
    runtime = WorkflowRuntime()
    for name in ("WorkflowRuntime", "DaprWorkflowContext", "durabletask-worker"):  # they print themselves, not as JSON
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.ERROR)
    for register in registrations:
        register(runtime)
    return runtime

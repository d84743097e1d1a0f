"""Starts and looks at workflow instances of this app.

A start goes over gRPC with the caller's trace context in it: by HTTP daprd 1.18.2 begins a trace of its own for each workflow, and
the SDK's client leaves the field empty. Of the SDK only its generated messages are used here.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
import orjson
from dapr.ext.workflow._durabletask.internal import protos
from dapr.ext.workflow._durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub
from opentelemetry import propagate

from apps.shared.platform.sidecar import Sidecar, SidecarError

START_TIMEOUT_SECONDS = 10.0
_END_TRIES, _END_PAUSE_SECONDS = 20, 0.25
_UNKNOWN_INSTANCE = "ERR_INSTANCE_ID_NOT_FOUND"
PENDING = "PENDING"
STALLED = "UNKNOWN"  # the HTTP API of daprd 1.18.2 has no name for this one alone
PATIENT = frozenset({"SUSPENDED", STALLED})
"""Does nothing, and shall: until an operator or a worker with the version that it began with lets it go on."""
RUNNING = frozenset({PENDING, "RUNNING", "SUSPENDED", "CONTINUED_AS_NEW", STALLED})


@dataclass(frozen=True, slots=True)
class Instance:
    """How a workflow stands: Dapr's `runtimeStatus` (`RUNNING`, `COMPLETED`, …), and when its history last grew."""

    status: str
    went_on_at: datetime

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING


class Workflows:
    """The workflows that this app hosts. Use from one event loop; the gRPC channel opens on first use."""

    def __init__(self, sidecar: Sidecar, *, grpc_port: int, token: str) -> None:
        self._sidecar = sidecar
        self._target = f"127.0.0.1:{grpc_port}"
        self._metadata = (("dapr-api-token", token),) if token else ()
        self._channel: grpc.aio.Channel | None = None

    async def schedule(self, name: str, instance_id: str, payload: dict[str, Any]) -> None:
        """Start `name` under `instance_id`, unless that runs. Starting an id that has ended runs it again, so steps must be idempotent.

        Raises SidecarError.
        """
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._target)
        request = protos.CreateInstanceRequest(name=name, instanceId=instance_id)
        request.input.value = orjson.dumps(payload).decode()
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        if "traceparent" in carrier:
            request.parentTraceContext.traceParent = carrier["traceparent"]
        try:
            start = TaskHubSidecarServiceStub(self._channel).StartInstance  # type: ignore[no-untyped-call]
            await start(request, metadata=self._metadata, timeout=START_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.ALREADY_EXISTS:
                return
            raise SidecarError(
                f"start workflow {instance_id}", 503, error.code().name, error.details() or ""
            ) from error

    async def find(self, instance_id: str) -> Instance | None:
        """None for an instance that does not exist or was purged."""
        try:
            answer = await self._sidecar.call("GET", f"/v1.0/workflows/dapr/{instance_id}")
        except SidecarError as error:
            if error.code == _UNKNOWN_INSTANCE or error.status == 404:
                return None
            raise
        return Instance(str(answer["runtimeStatus"]), datetime.fromisoformat(answer["lastUpdatedAt"]))

    async def wake(self, instance_id: str) -> None:
        """Have an instance look into its inbox; one that has nothing to do is not changed. Raises SidecarError.

        When the caller of a start dies, daprd 1.18.2 can save the instance after its alarm has gone off and found none: it then stays
        `PENDING` for ever. Any event sets a new alarm, and this one no workflow waits for.
        """
        await self._sidecar.call("POST", f"/v1.0/workflows/dapr/{instance_id}/raiseEvent/wake")

    async def end(self, instance_id: str) -> None:
        """Have an instance run no further, and return once it does not. Raises SidecarError, TimeoutError when it is not so within 5 s.

        A step that it has begun may still take effect, and its outcome still arrive at an instance that is started again under the id.
        """
        await self._sidecar.call("POST", f"/v1.0/workflows/dapr/{instance_id}/terminate")
        for _ in range(_END_TRIES):
            instance = await self.find(instance_id)
            if instance is None or not instance.is_running:
                return
            await asyncio.sleep(_END_PAUSE_SECONDS)
        raise TimeoutError(f"workflow {instance_id} has not ended yet")

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

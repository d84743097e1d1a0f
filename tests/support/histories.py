"""Workflow histories as daprd keeps them: read from a running shop, and kept as JSON for tests that replay them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from dapr.ext.workflow._durabletask.internal import protos
from dapr.ext.workflow._durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub
from google.protobuf.json_format import MessageToDict, ParseDict  # type: ignore[import-untyped]

SENT = ("taskScheduled", "timerCreated", "executionCompleted")
"""What a workflow asked for; all other events came to it."""


async def read_history(grpc_port: int, api_token: str, instance_id: str) -> list[Any]:
    """The events of an instance, oldest first, from the sidecar of the app that hosts it."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        stub = TaskHubSidecarServiceStub(channel)  # type: ignore[no-untyped-call]
        request = protos.GetInstanceHistoryRequest(instanceId=instance_id)
        answer = await stub.GetInstanceHistory(request, metadata=(("dapr-api-token", api_token),), timeout=10)
    return list(answer.events)


def steps_of(events: Sequence[Any]) -> list[str]:
    """The activities that a history scheduled, in order; one that was tried again comes again."""
    return [event.taskScheduled.name for event in events if event.HasField("taskScheduled")]


def version_of(events: Sequence[Any]) -> str:
    """The version that a history began with; empty when none was recorded."""
    return str(next(event.workflowStarted.version.name for event in events if event.HasField("workflowStarted")))


def save(path: Path, events: Sequence[Any]) -> None:
    path.write_text(json.dumps([MessageToDict(event) for event in events], indent=1) + "\n")


def load(path: Path) -> list[Any]:
    return [ParseDict(event, protos.HistoryEvent()) for event in json.loads(path.read_text())]

"""Whoever asks for a saga that was saved and never began sets it going; one that stands still is ended, to be started again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from dapr.ext.workflow._durabletask.internal import orchestrator_service_pb2_grpc as services

from apps.shared.contracts.checkout import WorkflowStatus
from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.workflows import STALLED, Workflows
from workflows.checkout.routes import look_after

WENT_ON_AT = datetime(2026, 11, 24, 20, 48, 22, 123456, tzinfo=UTC)


class FakeSidecar:
    """Knows one instance, which has one status after the other, and notes what it is asked to do."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)
        self.posts: list[str] = []

    async def call(self, method: str, path: str) -> dict[str, str]:
        if method == "POST":
            self.posts.append(path)
            return {}
        assert path == "/v1.0/workflows/dapr/ord_1"
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return {"runtimeStatus": status, "lastUpdatedAt": "2026-11-24T20:48:22.123456789Z"}


@pytest.mark.parametrize(
    ("status", "running", "posts"),
    [
        ("PENDING", True, ["/v1.0/workflows/dapr/ord_1/raiseEvent/wake"]),
        ("RUNNING", True, []),
        (STALLED, True, []),
        ("COMPLETED", False, []),
        ("FAILED", False, []),
    ],
)
async def test_only_one_that_has_not_begun_is_woken(status: str, running: bool, posts: list[str]) -> None:
    sidecar = FakeSidecar(status)
    workflows = Workflows(sidecar, grpc_port=1, token="")  # type: ignore[arg-type]

    went_on_at = None if status == STALLED else WENT_ON_AT
    assert await look_after(workflows, "ord_1") == WorkflowStatus(exists=True, running=running, went_on_at=went_on_at)
    assert sidecar.posts == posts


async def test_ending_one_returns_once_it_runs_no_more() -> None:
    sidecar = FakeSidecar("RUNNING", "RUNNING", "TERMINATED")
    await Workflows(sidecar, grpc_port=1, token="").end("ord_1")  # type: ignore[arg-type]
    assert sidecar.posts == ["/v1.0/workflows/dapr/ord_1/terminate"]
    assert (await Workflows(sidecar, grpc_port=1, token="").find("ord_1")).is_running is False  # type: ignore[arg-type, union-attr]


async def test_one_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.shared.platform.workflows._END_PAUSE_SECONDS", 0)
    with pytest.raises(TimeoutError, match="ord_1"):
        await Workflows(FakeSidecar("RUNNING"), grpc_port=1, token="").end("ord_1")  # type: ignore[arg-type]


@asynccontextmanager
async def refusing(code: grpc.StatusCode) -> AsyncIterator[Workflows]:
    """A sidecar that starts nothing."""

    class Refusal(services.TaskHubSidecarServiceServicer):
        async def StartInstance(self, request: Any, context: Any) -> None:  # noqa: N802
            await context.abort(code, "no")

    server = grpc.aio.server()
    services.add_TaskHubSidecarServiceServicer_to_server(Refusal(), server)  # type: ignore[no-untyped-call]
    workflows = Workflows(FakeSidecar("RUNNING"), grpc_port=server.add_insecure_port("127.0.0.1:0"), token="")  # type: ignore[arg-type]
    await server.start()
    yield workflows
    await workflows.close()
    await server.stop(0)


async def test_what_runs_is_started_already() -> None:
    async with refusing(grpc.StatusCode.ALREADY_EXISTS) as workflows:
        await workflows.schedule("checkout", "ord_1", {})
    async with refusing(grpc.StatusCode.INTERNAL) as workflows:
        with pytest.raises(SidecarError, match="INTERNAL"):
            await workflows.schedule("checkout", "ord_1", {})

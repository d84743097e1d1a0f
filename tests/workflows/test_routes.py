"""Whoever asks for a saga that was saved and never began sets it going."""

import pytest

from apps.shared.contracts.checkout import WorkflowStatus
from apps.shared.platform.workflows import STALLED, Workflows
from workflows.checkout.routes import look_after


class FakeSidecar:
    """Knows one instance, and notes what it is asked to do."""

    def __init__(self, status: str) -> None:
        self._status = status
        self.posts: list[str] = []

    async def call(self, method: str, path: str) -> dict[str, str]:
        if method == "POST":
            self.posts.append(path)
            return {}
        assert path == "/v1.0/workflows/dapr/ord_1"
        return {"runtimeStatus": self._status}


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

    assert await look_after(workflows, "ord_1") == WorkflowStatus(exists=True, running=running)
    assert sidecar.posts == posts

"""A sidecar without workflow actors is shut down after six seconds, and never while the fault may be the worker's."""

from collections.abc import Sequence
from typing import Any

import pytest

from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.watch import Patience, Watch, lacks_workflow_actors


def metadata(*types: str) -> dict[str, Any]:
    return {"id": "checkout", "actors": [{"type": name} for name in types]}


BOTH = metadata("dapr.internal.default.checkout.workflow", "dapr.internal.default.checkout.activity")
NONE: dict[str, Any] = {"id": "checkout"}


@pytest.mark.parametrize(
    ("seen", "lacks"),
    [
        (BOTH, False),
        (metadata("CartActor", "dapr.internal.shop.checkout.activity", "dapr.internal.shop.checkout.workflow"), False),
        (metadata("dapr.internal.default.checkout.workflow"), True),
        (metadata("dapr.internal.default.checkout.activity"), True),
        (metadata("dapr.internal.default.orders.workflow", "dapr.internal.default.orders.activity"), True),
        (metadata("CartActor"), True),
        (NONE, True),
    ],
)
def test_both_actor_types_of_the_app_itself_are_looked_for(seen: dict[str, Any], lacks: bool) -> None:
    assert lacks_workflow_actors(seen) is lacks


@pytest.mark.parametrize(
    ("looks", "over_at"),
    [
        ("0xx 2xx 4xx 6xx", [6]),
        ("0xx 2xx 4xx 5xx", []),
        ("0xx 2xx 4x- 6xx 8xx 10xx 12xx", [12]),
        ("0xx 2xx 4-x 6xx 8xx 10xx 12xx", [12]),
        ("0-x 2-x 4-x 6-x 8-x 10-x", []),
        ("0x- 2x- 4x- 6x- 8x-", []),
        ("0xx 6xx 8xx 10xx 12xx 14xx", [6, 14]),
    ],
)
def test_patience_is_over_after_six_seconds_without_a_gap(looks: str, over_at: list[float]) -> None:
    """Each look is its second, then whether the worker was connected and whether the actors were missing."""
    patience = Patience()

    over = [
        float(look[:-2])
        for look in looks.split()
        if patience.is_over(connected=look[-2] == "x", missing=look[-1] == "x", now=float(look[:-2]))
    ]

    assert over == over_at


class FakeWorker:
    def __init__(self, *, connected: bool = True) -> None:
        self.connected = connected
        self.reconnections = 0

    async def reconnect(self) -> None:
        self.reconnections += 1
        self.connected = True


class FakeSidecar:
    """Answers its metadata, None standing for no answer; afterwards the last again."""

    def __init__(self, answers: Sequence[dict[str, Any] | None]) -> None:
        self._answers = list(answers)
        self.shutdowns = 0

    async def call(self, method: str, path: str) -> Any:
        if (method, path) == ("POST", "/v1.0/shutdown"):
            self.shutdowns += 1
            return None
        assert (method, path) == ("GET", "/v1.0/metadata")
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            raise SidecarError("GET /v1.0/metadata", 0, "", "connection refused")
        return answer


async def shutdowns(answers: Sequence[dict[str, Any] | None], *, connected: bool = True, looks: int = 4) -> int:
    sidecar = FakeSidecar(answers)
    watch = Watch(sidecar, FakeWorker(connected=connected), service="checkout")
    for number in range(looks):
        await watch.look(number * 2.0)
    return sidecar.shutdowns


async def test_a_wedged_sidecar_is_shut_down_once() -> None:
    assert await shutdowns([NONE], looks=3) == 0
    assert await shutdowns([NONE], looks=4) == 1
    assert await shutdowns([NONE], looks=7) == 1


async def test_a_sound_sidecar_and_a_silent_one_are_left_alone() -> None:
    assert await shutdowns([BOTH], looks=9) == 0
    assert await shutdowns([None], looks=9) == 0


async def test_a_worker_that_lost_its_sidecar_is_reconnected_once_that_answers_again() -> None:
    worker = FakeWorker(connected=False)
    watch = Watch(FakeSidecar([None, None, NONE, BOTH]), worker, service="checkout")
    seen = []
    for number in range(5):
        await watch.look(number * 1.0)
        seen.append(worker.reconnections)

    assert seen == [0, 0, 1, 1, 1]


async def test_the_time_without_a_worker_does_not_count_against_the_sidecar() -> None:
    assert await shutdowns([NONE], connected=False, looks=4) == 0
    assert await shutdowns([NONE], connected=False, looks=5) == 1


async def test_a_sidecar_that_was_away_is_given_its_time_again() -> None:
    assert await shutdowns([NONE, NONE, NONE, None, NONE], looks=7) == 0
    assert await shutdowns([NONE, NONE, NONE, None, NONE], looks=8) == 1

"""The event stream of an order: each entry once, in order, ending at a final state."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import orjson

from apps.gateway.streaming import LONGEST_STREAM_SECONDS, OrderProgress, order_events
from apps.shared.platform.sidecar import Answer, SidecarError
from tests.unit.gateway.fakes import Sent, Shop, problem_answer


def order(*statuses: str, failure: dict[str, str] | None = None) -> dict[str, Any]:
    timeline = [{"status": status, "at": f"2026-01-01T00:00:0{index}Z"} for index, status in enumerate(statuses)]
    return {"id": "ord_1", "status": statuses[-1], "timeline": timeline, "failure": failure}


def shown(*statuses: str, failure: dict[str, str] | None = None) -> Answer:
    headers = {"Content-Type": "application/json", "Etag": f'"{statuses[-1]}"'}
    return Answer(200, headers, orjson.dumps(order(*statuses, failure=failure)))


UNCHANGED = Answer(304, {}, b"")
DOWN = SidecarError("GET orders", 0, "", "down")


class Orders:
    """Answers polls from a script and keeps the time that the stream waits."""

    def __init__(self, *script: Answer | Exception) -> None:
        self._script: Iterator[Answer | Exception] = iter(script)
        self.etags: list[str] = []
        self.pauses: list[float] = []
        self.seconds = 0.0

    async def poll(self, etag: str) -> Answer:
        self.etags.append(etag)
        step = next(self._script, UNCHANGED)
        if isinstance(step, Exception):
            raise step
        return step

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds

    async def stream(self, first: Answer, last_seen: str = "") -> list[bytes]:
        events = order_events(first, self.poll, OrderProgress(last_seen), sleep=self.sleep, now=self.now)
        return [event async for event in events]


def statuses(events: list[bytes]) -> list[str]:
    return [event.split(b"\n")[0].removeprefix(b"id: ").decode() for event in events]


async def test_one_event_an_entry_until_it_is_paid() -> None:
    orders = Orders(UNCHANGED, shown("draft", "confirmed", "paid"), shown("never asked for"))
    events = await orders.stream(shown("draft"))
    assert events[0] == (
        b'id: draft\nevent: status\ndata: {"order_id":"ord_1","status":"draft","at":"2026-01-01T00:00:00Z"}\n\n'
    )
    assert statuses(events) == ["draft", "confirmed", "paid"]
    assert orders.etags == ['"draft"', '"draft"']


async def test_a_cancelled_order_says_why() -> None:
    failure = {"code": "payment_declined", "message": "Declined."}
    events = await Orders().stream(shown("draft", "cancelled", failure=failure))
    data = [json.loads(event.split(b"data: ")[1]) for event in events]
    assert [entry.get("failure") for entry in data] == [None, failure]


async def test_paid_on_the_way_to_delivered_does_not_end_it() -> None:
    orders = Orders(shown("draft", "paid", "shipped", "delivered"))
    events = await orders.stream(shown("draft", "paid", "shipped"))
    assert statuses(events) == ["draft", "paid", "shipped", "delivered"]


async def test_what_was_seen_is_skipped() -> None:
    events = await Orders(shown("draft", "confirmed", "paid")).stream(shown("draft", "confirmed"), "confirmed")
    assert statuses(events) == ["paid"]


async def test_an_outage_is_waited_out() -> None:
    events = await Orders(DOWN, problem_answer(503), DOWN, shown("draft", "paid")).stream(shown("draft"))
    assert statuses(events) == ["draft", "paid"]


async def test_it_ends_when_the_order_may_no_longer_be_seen() -> None:
    events = await Orders(problem_answer(404), shown("draft", "paid")).stream(shown("draft"))
    assert statuses(events) == ["draft"]


async def test_pauses_grow_to_a_second_heartbeats_come_and_it_ends_after_fifteen_minutes() -> None:
    orders = Orders()
    events = await orders.stream(shown("draft"))
    assert orders.pauses[0] == 0.15
    assert orders.pauses == sorted(orders.pauses)
    assert orders.pauses[-1] == 1.0
    assert set(events[1:]) == {b": still here\n\n"}
    assert 55 <= len(events[1:]) <= 60
    assert LONGEST_STREAM_SECONDS <= orders.seconds < LONGEST_STREAM_SECONDS + 1


async def test_the_gateway_streams_under_the_callers_identity() -> None:
    shop = Shop()
    script = iter([shown("draft"), problem_answer(503), shown("draft", "paid")])

    def answer(_: Sent) -> Answer:
        return next(script)

    shop.sidecar.answer = answer
    reply = await shop.call("GET", "/api/v1/orders/ord_1/events", token=shop.token())
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert reply.headers["cache-control"] == "no-store"
    assert statuses([part + b"\n\n" for part in reply.body.split(b"\n\n") if part]) == ["draft", "paid"]
    assert {sent.path for sent in shop.sidecar.sent} == {"/v1.0/invoke/orders/method/api/v1/orders/ord_1"}
    assert {sent.headers["x-plaza-user-id"] for sent in shop.sidecar.sent} == {"usr_1"}


async def test_it_ends_when_the_client_leaves() -> None:
    shop = Shop()
    shop.sidecar.answer = shown("draft")
    reply = await shop.call("GET", "/api/v1/orders/ord_1/events", token=shop.token(), leaves=True)
    assert statuses(reply.body.split(b"\n\n")[:1]) == ["draft"]
    polls = len(shop.sidecar.sent)
    await asyncio.sleep(0.3)
    assert len(shop.sidecar.sent) == polls


async def test_problems_come_before_the_stream() -> None:
    shop = Shop()
    shop.sidecar.answer = problem_answer(404)
    (await shop.call("GET", "/api/v1/orders/ord_9/events", token=shop.token())).problem(404)
    shop.sidecar.answer = SidecarError("GET", 0, "", "down")
    down = await shop.call("GET", "/api/v1/orders/ord_9/events", token=shop.token())
    down.problem(503)
    assert down.headers["retry-after"] == "1"


async def test_who_has_seen_the_end_is_told_not_to_come_back() -> None:
    shop = Shop()
    shop.sidecar.answer = shown("draft", "paid")
    reply = await shop.call("GET", "/api/v1/orders/ord_1/events", token=shop.token(), last_event_id="paid")
    assert (reply.status, reply.body) == (204, b"")

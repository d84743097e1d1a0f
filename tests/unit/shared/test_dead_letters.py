"""A dead letter is kept once, whatever it is; a replay gives it to the service's own handler until that succeeds, and then never more."""

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from apps.shared.contracts.event import Event
from apps.shared.platform import problems
from apps.shared.platform.dead_letters import (
    STATUSES,
    DeadLetters,
    Letter,
    LetterRefused,
    LetterUnknown,
)
from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.subscriptions import EventMalformed, EventUnknown, Subscriptions
from tests.unit.fakes import NOON, FixedClock, MemorySidecar, ask, memory_state


class Rang(Event):
    topic = "bells"
    type = "bells.rang.v1"

    bell: str


class Room:
    """The dead letters of a consumer whose handler is `broken` or not; `heard` is what it has handled."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.broken: Exception | None = None
        self.clock, self.sidecar = FixedClock(), MemorySidecar()
        self.subscriptions = Subscriptions()
        self.subscriptions.on(Rang, self._hear)
        self.letters = DeadLetters(memory_state(self.sidecar), self.subscriptions, self.clock, consumer="bells")

    async def _hear(self, event: Rang) -> None:
        if self.broken:
            raise self.broken
        self.heard.append(event.bell)

    async def listed(self) -> list[Letter]:
        return (await self.letters.list_page(before=None, limit=100))[0]


def envelope(event_id: str = "e1", *, kind: str = Rang.type, **data: str) -> bytes:
    rang = {"event_id": event_id, "occurred_at": NOON.isoformat(), "bell": "big", **data}
    return orjson.dumps({"id": event_id, "type": kind, "data": rang, "specversion": "1.0"})


@pytest.fixture
def room() -> Room:
    return Room()


async def test_whoever_asks_learns_which_events_have_a_letter(room: Room) -> None:
    await room.letters.keep(envelope("e1"))
    assert await room.letters.kept(["e1", "e2"]) == {"e1"}
    assert await room.letters.kept([]) == frozenset()


async def test_a_letter_that_arrives_twice_is_one(room: Room) -> None:
    first = await room.letters.keep(envelope())
    room.clock.pass_time(seconds=5)
    assert await room.letters.keep(envelope() + b" ") == first
    assert await room.listed() == [first]
    assert (first.event_id, first.type, first.arrived_at, first.handled_at) == ("e1", Rang.type, NOON, None)
    assert first.text == envelope().decode()


async def test_letters_are_listed_newest_first_by_pages(room: Room) -> None:
    for number in range(3):
        await room.letters.keep(envelope(f"e{number}"))
    page, rest = await room.letters.list_page(before=None, limit=2)
    assert [letter.event_id for letter in page] == ["e2", "e1"]
    page, rest = await room.letters.list_page(before=rest, limit=2)
    assert ([letter.event_id for letter in page], rest) == (["e0"], None)


async def test_letters_expire(room: Room) -> None:
    seen: list[Any] = []
    call = room.sidecar.call

    async def noting(method: str, path: str, *, json: Any = None, **rest: Any) -> Any:
        seen.append(json)
        return await call(method, path, json=json, **rest)

    room.sidecar.call = noting  # type: ignore[method-assign]
    letter = await room.letters.keep(envelope())
    await room.letters.replay(letter.id)
    writes = [one["request"] for body in seen for one in body.get("operations", ())]
    of_letter = [one["metadata"] for one in writes if one["key"] == f"dead-letter/{letter.id}"]
    assert of_letter == [{"ttlInSeconds": str(int(timedelta(days=30).total_seconds()))}] * 2
    del room.sidecar.documents[f"dead-letter/{letter.id}"]
    assert await room.listed() == []


async def test_a_replay_has_its_effect_once(room: Room) -> None:
    letter = await room.letters.keep(envelope())
    room.clock.pass_time(hours=1)
    handled = await room.letters.replay(letter.id)
    assert handled.handled_at == NOON + timedelta(hours=1)
    assert await room.letters.replay(letter.id) == handled
    assert await room.letters.keep(envelope()) == handled
    assert (room.heard, await room.listed()) == (["big"], [handled])


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        (RuntimeError("no bell"), LetterRefused),
        (SidecarError("GET /x", 500, "", ""), SidecarError),
        (TimeoutError(), TimeoutError),
    ],
)
async def test_a_letter_that_is_refused_again_waits_on(room: Room, broken: Exception, seen: type[Exception]) -> None:
    letter = await room.letters.keep(envelope())
    room.broken = broken
    with pytest.raises(seen):
        await room.letters.replay(letter.id)
    assert await room.listed() == [letter]
    room.broken = None
    await room.letters.replay(letter.id)
    assert room.heard == ["big"]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (envelope(bell="").replace(b'"bell"', b'"bill"'), EventMalformed),
        (envelope(kind="bells.broke.v1"), EventUnknown),
        (b"[1, 2]", EventUnknown),
        (b'{"nothing": "known"}', EventUnknown),
        (b"\x00\xff no text", EventUnknown),
        (b"", EventUnknown),
        (b"[" * 5000, EventUnknown),
    ],
)
async def test_what_no_handler_can_take_is_kept_and_stays(room: Room, content: bytes, refusal: type[Exception]) -> None:
    letter = await room.letters.keep(content)
    assert await room.letters.keep(content) == letter
    other = await room.letters.keep(b"something else")
    with pytest.raises(refusal):
        await room.letters.replay(letter.id)
    assert (await room.listed(), room.heard) == ([other, letter], [])


async def test_a_letter_that_is_not_there(room: Room) -> None:
    with pytest.raises(LetterUnknown):
        await room.letters.replay("dlt_x")


async def test_a_letter_that_is_discarded_is_gone(room: Room) -> None:
    kept, letter = await room.letters.keep(envelope("e1")), await room.letters.keep(b"no event")
    await room.letters.discard(letter.id)
    assert await room.listed() == [kept]
    with pytest.raises(LetterUnknown):
        await room.letters.discard(letter.id)


async def test_the_topics_route_acknowledges_only_what_is_kept(room: Room) -> None:
    app = FastAPI()
    problems.install(app, STATUSES)
    app.include_router(room.letters.router())
    delivery = orjson.dumps({"data_base64": base64.b64encode(envelope()).decode(), "id": "of the delivery"})
    room.sidecar.call = _away  # type: ignore[method-assign]
    assert (await ask(app, "POST", "/dead-letters", delivery))[0] == 503
    del room.sidecar.call
    assert await ask(app, "POST", "/dead-letters", delivery) == (200, {"status": "SUCCESS"})

    listing = "/api/v1/audit/dead-letters/bells"
    (item,) = (await ask(app, "GET", listing))[1]["items"]
    assert (item["event_id"], item["type"], item["handled_at"]) == ("e1", Rang.type, None)
    path = f"{listing}/{item['id']}/replay"
    room.broken = RuntimeError("no bell")
    status, problem = await ask(app, "POST", path)
    assert (status, problem["detail"]) == (409, "The event was refused again: RuntimeError: no bell")
    room.broken = None
    assert (await ask(app, "POST", path))[1]["handled_at"] is not None
    assert (await ask(app, "POST", f"{listing}/dlt_x/replay"))[0] == 404


async def _away(*_: Any, **__: Any) -> Any:
    raise SidecarError("POST /x", 0, "", "away")


@pytest.mark.parametrize(
    ("content", "status", "heard"),
    [
        (envelope(), "SUCCESS", ["big"]),
        (envelope(kind="bells.broke.v1"), "SUCCESS", []),
        (envelope().replace(b'"bell"', b'"bill"'), "DROP", []),
    ],
)
async def test_what_the_sidecar_is_told_of_an_event(content: bytes, status: str, heard: list[str]) -> None:
    room, app = Room(), FastAPI()
    problems.install(app, STATUSES)
    app.add_middleware(problems.FaultMiddleware)
    app.include_router(room.subscriptions.router())
    assert await ask(app, "POST", "/events/bells", content) == (200, {"status": status})
    assert room.heard == heard
    room.broken = RuntimeError("no bell")
    assert (await ask(app, "POST", "/events/bells", envelope()))[0] == 500

"""A turn builds on what is stored, whoever else has written; guests' carts end by a reminder that looks again."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from dapr.actor import ActorId
from dapr.actor.runtime._type_information import ActorTypeInformation
from dapr.actor.runtime.context import ActorRuntimeContext
from dapr.actor.runtime.manager import ActorManager
from dapr.clients.base import DaprActorClientBase
from dapr.serializers import DefaultJSONSerializer

from apps.carts.actors import CartActor
from tests.unit.fakes import FixedClock

GUEST = "crt_" + "0" * 42
USER = "usr_1"
TTL = timedelta(days=30)


class MemoryDapr(DaprActorClientBase):
    """State and reminders of actors in memory; `broken` fails every save."""

    def __init__(self) -> None:
        self.state: dict[tuple[str, str], bytes] = {}
        self.reminders: list[tuple[str, str, str]] = []
        self.broken = False

    async def get_state(self, actor_type: str, actor_id: str, name: str) -> bytes:
        await asyncio.sleep(0)
        return self.state.get((actor_id, name), b"")

    async def save_state_transactionally(self, actor_type: str, actor_id: str, data: bytes) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError
        for operation in json.loads(data):
            key = actor_id, operation["request"]["key"]
            if operation["operation"] == "delete":
                del self.state[key]
            else:
                self.state[key] = json.dumps(operation["request"]["value"]).encode()

    async def register_reminder(self, actor_type: str, actor_id: str, name: str, data: bytes) -> None:
        self.reminders.append((actor_id, name, json.loads(data)["dueTime"]))

    async def invoke_method(self, actor_type: str, actor_id: str, method: str, data: bytes | None = None) -> bytes:
        raise NotImplementedError

    async def unregister_reminder(self, actor_type: str, actor_id: str, name: str) -> None:
        raise NotImplementedError

    async def register_timer(self, actor_type: str, actor_id: str, name: str, data: bytes) -> None:
        raise NotImplementedError

    async def unregister_timer(self, actor_type: str, actor_id: str, name: str) -> None:
        raise NotImplementedError


class Replica:
    """One process of carts: the SDK's own runtime over `dapr`."""

    def __init__(self, dapr: MemoryDapr, clock: FixedClock) -> None:
        CartActor.clock, CartActor.guest_ttl = clock, TTL
        serializer = DefaultJSONSerializer()
        self._manager = ActorManager(
            ActorRuntimeContext(ActorTypeInformation.create(CartActor), serializer, serializer, dapr)
        )

    async def call(self, cart_id: str, method: str, **message: Any) -> Any:
        return json.loads(await self._manager.dispatch(ActorId(cart_id), method, json.dumps(message).encode()))

    async def lines(self, cart_id: str) -> dict[str, int]:
        lines: dict[str, int] = (await self.call(cart_id, "get"))["lines"]
        return lines

    async def fire_reminder(self, cart_id: str) -> None:
        body = {"dueTime": "0h0m0s0ms0μs", "period": "", "data": ""}
        await self._manager.fire_reminder(ActorId(cart_id), "expire", json.dumps(body).encode())


class Room:
    def __init__(self) -> None:
        self.dapr, self.clock = MemoryDapr(), FixedClock()
        self.one, self.two = Replica(self.dapr, self.clock), Replica(self.dapr, self.clock)


@pytest.fixture
def room() -> Room:
    return Room()


async def test_a_cart_that_moved_to_another_replica_and_back_lost_nothing(room: Room) -> None:
    await room.one.call(USER, "put", product_id="pen", quantity=1)
    await room.two.call(USER, "put", product_id="ink", quantity=2)
    await room.one.call(USER, "put", product_id="tea", quantity=3)
    assert await room.two.lines(USER) == {"pen": 1, "ink": 2, "tea": 3}


async def test_turns_that_overlap_lose_nothing(room: Room) -> None:
    await asyncio.gather(*(room.one.call(USER, "put", product_id=f"p{n}", quantity=n) for n in range(1, 9)))
    assert await room.one.lines(USER) == {f"p{n}": n for n in range(1, 9)}


async def test_a_turn_that_could_not_be_saved_did_not_happen(room: Room) -> None:
    await room.one.call(USER, "put", product_id="pen", quantity=1)
    room.dapr.broken = True
    with pytest.raises(ConnectionError):
        await room.one.call(USER, "take", order_id="ord_1")
    room.dapr.broken = False
    assert await room.one.lines(USER) == {"pen": 1}


async def test_a_change_of_other_lines_than_expected_changes_nothing(room: Room) -> None:
    assert not (await room.one.call(USER, "put", product_id="pen", quantity=1, expected={}))["full"]
    assert await room.two.call(USER, "put", product_id="pen", quantity=2, expected={}) == {"stale": True}
    assert await room.one.lines(USER) == {"pen": 1}
    assert not (await room.two.call(USER, "put", product_id="pen", quantity=2, expected={"pen": 1}))["full"]
    assert await room.one.lines(USER) == {"pen": 2}


async def test_a_guests_first_change_alone_sets_the_reminder(room: Room) -> None:
    await room.one.call(GUEST, "get")
    await room.one.call(GUEST, "clear")
    assert room.dapr.reminders == []
    for quantity in (1, 2):
        await room.one.call(GUEST, "put", product_id="pen", quantity=quantity)
    await room.one.call(USER, "put", product_id="pen", quantity=1)
    assert room.dapr.reminders == [(GUEST, "expire", "720h0m0s0ms0μs")]


async def test_the_reminder_spares_a_cart_that_changed_and_looks_again(room: Room) -> None:
    await room.one.call(GUEST, "put", product_id="pen", quantity=1)
    room.clock.pass_time(days=20)
    await room.one.call(GUEST, "put", product_id="pen", quantity=2)
    room.clock.pass_time(days=10)
    await room.one.fire_reminder(GUEST)
    assert await room.one.lines(GUEST) == {"pen": 2}
    assert room.dapr.reminders[1:] == [(GUEST, "expire", "480h0m0s0ms0μs")]
    room.clock.pass_time(days=20)
    await room.one.fire_reminder(GUEST)
    assert room.dapr.state == {}
    assert len(room.dapr.reminders) == 2


async def test_a_reminder_whose_cart_was_never_saved_ends(room: Room) -> None:
    room.dapr.broken = True
    with pytest.raises(ConnectionError):
        await room.one.call(GUEST, "put", product_id="pen", quantity=1)
    room.dapr.broken = False
    await room.one.fire_reminder(GUEST)
    assert (len(room.dapr.reminders), room.dapr.state) == (1, {})


async def test_a_cart_that_has_expired_can_be_used_again(room: Room) -> None:
    await room.one.call(GUEST, "put", product_id="pen", quantity=1)
    room.clock.pass_time(days=30)
    await room.one.fire_reminder(GUEST)
    await room.one.call(GUEST, "put", product_id="ink", quantity=1)
    assert await room.one.lines(GUEST) == {"ink": 1}
    assert len(room.dapr.reminders) == 2

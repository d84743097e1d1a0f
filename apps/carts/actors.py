"""The cart as a Dapr actor: each turn loads, decides in `domain` and saves, and no two turns of one cart meet."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from dapr.actor import Actor, ActorId, ActorInterface, Remindable, actormethod
from dapr.actor.runtime.context import ActorRuntimeContext
from pydantic import TypeAdapter

from apps.carts import domain
from apps.carts.domain import Cart, Handover, Lines

R = TypeVar("R")

ACTOR_TYPE = "CartActor"
_STATE, _EXPIRY = "cart", "expire"
_carts, _handovers = TypeAdapter(Cart), TypeAdapter(Handover | None)
Message = dict[str, Any]

_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""By cart, since the SDK may make two actors of one cart when its first calls overlap."""


class CartActorInterface(ActorInterface):
    """The turns that a cart can take; arguments and results are JSON objects."""

    @actormethod(name="get")
    @abstractmethod
    async def get(self) -> Message: ...

    @actormethod(name="put")
    @abstractmethod
    async def put(self, message: Message) -> Message: ...

    @actormethod(name="clear")
    @abstractmethod
    async def clear(self) -> Message: ...

    @actormethod(name="take")
    @abstractmethod
    async def take(self, message: Message) -> Message: ...

    @actormethod(name="settle")
    @abstractmethod
    async def settle(self, message: Message) -> Message: ...

    @actormethod(name="hand_over")
    @abstractmethod
    async def hand_over(self, message: Message) -> Message: ...

    @actormethod(name="absorb")
    @abstractmethod
    async def absorb(self, message: Message) -> Message: ...

    @actormethod(name="confirm")
    @abstractmethod
    async def confirm(self, message: Message) -> Message: ...


class Clock(Protocol):
    def now(self) -> datetime: ...


class CartActor(Actor, CartActorInterface, Remindable):
    """One cart. `clock` and `guest_ttl` are set once, by `main`, before the first turn."""

    clock: Clock
    guest_ttl: timedelta

    def __init__(self, context: ActorRuntimeContext, actor_id: ActorId) -> None:
        super().__init__(context, actor_id)
        self._lock = _locks.setdefault(actor_id.id, asyncio.Lock())

    async def get(self) -> Message:
        return await self._turn(lambda cart: (cart, _carts.dump_python(cart, mode="json")))

    async def put(self, message: Message) -> Message:
        now = self.clock.now()

        def decide(cart: Cart) -> tuple[Cart, Message]:
            if message.get("expected") not in (None, cart.lines):
                return cart, {"stale": True}
            changed = domain.put(cart, message["product_id"], message["quantity"], now)
            if changed is None:
                return cart, {"full": True}
            return changed, {"full": False, "cart": _carts.dump_python(changed, mode="json")}

        return await self._turn(decide)

    async def clear(self) -> Message:
        now = self.clock.now()
        return await self._turn(lambda cart: (domain.clear(cart, now), {}))

    async def take(self, message: Message) -> Message:
        now = self.clock.now()

        def decide(cart: Cart) -> tuple[Cart, Message]:
            changed, lines = domain.take(cart, message["order_id"], now)
            return changed, {"lines": lines}

        return await self._turn(decide)

    async def settle(self, message: Message) -> Message:
        now = self.clock.now()
        order_id, restore = message["order_id"], message["restore"]
        return await self._turn(lambda cart: (domain.settle(cart, order_id, restore=restore, at=now), {}))

    async def hand_over(self, message: Message) -> Message:
        now = self.clock.now()

        def decide(cart: Cart) -> tuple[Cart, Message]:
            changed, handover = domain.hand_over(cart, self.id.id, message["user_id"], now)
            return changed, {"handover": _handovers.dump_python(handover, mode="json")}

        return await self._turn(decide)

    async def absorb(self, message: Message) -> Message:
        now = self.clock.now()
        return await self._turn(lambda cart: (domain.absorb(cart, message["id"], message["lines"], now), {}))

    async def confirm(self, message: Message) -> Message:
        return await self._turn(lambda cart: (domain.confirm(cart, message["id"]), {}))

    async def receive_reminder(
        self, name: str, state: bytes, due_time: timedelta, period: timedelta, ttl: timedelta | None = None
    ) -> None:
        """End a guest's cart that was left alone for long enough; look again later when it was not."""
        now = self.clock.now()

        def decide(cart: Cart) -> tuple[Cart, timedelta]:
            left = domain.remaining(cart, self.guest_ttl, now)
            return (cart if left > timedelta(0) else Cart()), left

        left = await self._turn(decide)
        if left > timedelta(0):
            await self.register_reminder(_EXPIRY, b"", left)

    async def _turn(self, decide: Callable[[Cart], tuple[Cart, R]]) -> R:
        """Reads what is stored each time, since a sidecar that dies tells nobody that its carts have moved to another replica.

        The sidecar keeps turns apart, but for one that it no longer waits for and that still runs here: hence the lock.
        """
        async with self._lock:
            await self._state_manager.clear_cache()
            found, stored = await self._state_manager.try_get_state(_STATE)
            cart = _carts.validate_python(stored) if found else Cart()
            changed, answer = decide(cart)
            if changed != cart:
                await self._save(changed, is_new=cart.updated_at is None)
        return answer

    async def _save(self, cart: Cart, *, is_new: bool) -> None:
        if is_new and domain.is_guest_id(self.id.id):
            await self.register_reminder(_EXPIRY, b"", self.guest_ttl)
        if cart == Cart():
            await self._state_manager.remove_state(_STATE)
        else:
            await self._state_manager.set_state(_STATE, _carts.dump_python(cart, mode="json"))
        await self._state_manager.save_state()


class Calls(Protocol):
    async def call(self, actor_id: str, method: str, argument: Message) -> Any: ...


class ActorCarts:
    """See `ports.Carts`."""

    def __init__(self, actors: Calls) -> None:
        self._actors = actors

    async def get(self, cart_id: str) -> Cart:
        return _carts.validate_python(await self._actors.call(cart_id, "get", {}))

    async def put(self, cart_id: str, product_id: str, quantity: int, *, expected: Lines | None = None) -> Cart | None:
        message = {"product_id": product_id, "quantity": quantity, "expected": expected}
        answer = await self._actors.call(cart_id, "put", message)
        if answer.get("stale"):
            raise domain.CartChanged
        return None if answer["full"] else _carts.validate_python(answer["cart"])

    async def clear(self, cart_id: str) -> None:
        await self._actors.call(cart_id, "clear", {})

    async def take(self, cart_id: str, order_id: str) -> Lines:
        lines: Lines = (await self._actors.call(cart_id, "take", {"order_id": order_id}))["lines"]
        return lines

    async def settle(self, cart_id: str, order_id: str, *, restore: bool) -> None:
        await self._actors.call(cart_id, "settle", {"order_id": order_id, "restore": restore})

    async def hand_over(self, cart_id: str, user_id: str) -> Handover | None:
        answer = await self._actors.call(cart_id, "hand_over", {"user_id": user_id})
        return _handovers.validate_python(answer["handover"])

    async def absorb(self, cart_id: str, handover: Handover) -> None:
        await self._actors.call(cart_id, "absorb", {"id": handover.id, "lines": handover.lines})

    async def confirm(self, cart_id: str, handover_id: str) -> None:
        await self._actors.call(cart_id, "confirm", {"id": handover_id})

"""Carts as the service `orders` and their own sidecar see them."""

from datetime import UTC, datetime
from typing import Any

from apps.shared.contracts.amount import Amount
from apps.shared.contracts.carts import RestoreCart, TakeCart, TakenCart
from apps.shared.contracts.nothing import Nothing
from apps.shared.contracts.orders import FailureCode, OrderCancelled, OrderPaid
from apps.shared.platform.invocation import Peer
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.sidecar import Sidecar

TOTAL = Amount(amount_minor=1250, currency="USD")


class Orders:
    """What the service `orders` does to carts, through its own sidecar."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._carts, self._publisher = Peer(sidecar, "carts"), Publisher(sidecar)

    async def take(self, user_id: str, order_id: str) -> dict[str, int]:
        taken = await self._carts.post(f"/internal/carts/{user_id}/take", TakeCart(order_id=order_id), TakenCart)
        return {line.product_id: line.quantity for line in taken.lines}

    async def restore(self, user_id: str, order_id: str) -> None:
        await self._carts.post(f"/internal/carts/{user_id}/restore", RestoreCart(order_id=order_id), Nothing)

    async def tell_paid(self, user_id: str, order_id: str) -> None:
        event = OrderPaid(
            event_id=f"{order_id}:paid",
            occurred_at=datetime.now(UTC),
            order_id=order_id,
            user_id=user_id,
            total=TOTAL,
        )
        await self._publisher.publish(event)

    async def tell_cancelled(self, user_id: str, order_id: str, code: FailureCode) -> None:
        event = OrderCancelled(
            event_id=f"{order_id}:cancelled",
            occurred_at=datetime.now(UTC),
            order_id=order_id,
            user_id=user_id,
            total=TOTAL,
            code=code,
            message="A test.",
        )
        await self._publisher.publish(event)


class StoredCarts:
    """The state of actors that are awake, as the sidecar of carts keeps it."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def find(self, cart_id: str) -> Any:
        return await self._sidecar.call("GET", f"/v1.0/actors/CartActor/{cart_id}/state/cart")

    async def taken(self, cart_id: str) -> Any:
        return (await self.find(cart_id))["taken"]

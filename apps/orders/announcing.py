"""The events by which the world hears of an order."""

from typing import Any

from apps.orders import domain
from apps.orders.domain import Order, OrderStatus
from apps.orders.ports import Events, OrderStore
from apps.shared.contracts import orders as contract
from apps.shared.contracts.amount import Amount

_EVENTS: dict[OrderStatus, type[contract.OrderEvent]] = {
    OrderStatus.CONFIRMED: contract.OrderConfirmed,
    OrderStatus.PAID: contract.OrderPaid,
    OrderStatus.SHIPPED: contract.OrderShipped,
    OrderStatus.DELIVERED: contract.OrderDelivered,
}


class Announcer:
    """Publishes what is still to be told of an order that a request or the sweep has changed; a saga's steps tell of theirs themselves."""

    def __init__(self, *, store: OrderStore, events: Events) -> None:
        self._store, self._events = store, events

    async def announce(self, order: Order) -> Order:
        """Returns the order that has nothing to tell any more. Harmless when repeated."""
        told = order.unannounced
        if not told:
            return order
        for status in told:
            await self._events.publish(event_of(order, status))
        order, _ = await self._store.update(order.id, lambda found: (domain.announced(found, told), None))
        return order


def event_of(order: Order, status: OrderStatus) -> contract.OrderEvent:
    """The event of the order's entering `status`; its id is the same however often it is made."""
    fields: dict[str, Any] = {
        "event_id": f"{order.id}:{status}",
        "occurred_at": order.reached_at(status),
        "order_id": order.id,
        "user_id": order.user_id,
        "total": Amount.of(order.total),
    }
    if status is OrderStatus.CANCELLED and order.failure is not None:
        code = contract.FailureCode(order.failure.code)
        return contract.OrderCancelled(**fields, code=code, message=order.failure.message)
    return _EVENTS[status](**fields)

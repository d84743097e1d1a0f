"""One look at a shop: what was found, when, and what may still be on its way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.audit.facts import Facts, Order

UNDER_WAY = frozenset({"draft", "confirmed"})
SOLD = frozenset({"paid", "shipped", "delivered"})
TOLD = frozenset({"confirmed", "paid", "cancelled", "shipped"})
"""The statuses about which the customer gets a message."""


@dataclass(frozen=True, slots=True)
class Look:
    """Facts, and when they were gathered. Something of less than `grace` ago may still be on its way."""

    facts: Facts
    now: datetime
    grace: timedelta

    def is_old(self, at: datetime | None) -> bool:
        return at is not None and self.now - at > self.grace

    def find_order(self, order_id: str) -> Order | None:
        """The order if it was saved."""
        order = self.facts.orders.get(order_id)
        return order if order and order.status else None

    @property
    def saved_orders(self) -> Iterator[Order]:
        return (order for order in self.facts.orders.values() if order.status)


Finding = tuple[str, str]
"""A subject that was checked, and what is wrong with it: nothing when empty."""


def is_settled(order: Order) -> bool:
    """Nothing more is to move its goods or its money by itself."""
    return order.status == "cancelled" or (order.status in SOLD and order.cancel_requested_at is None)

"""A clean shop as the audit sees it, with an order in every state that may last, to plant one breach in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from apps.shared.money import Money
from tests.unit.fakes import NOON
from tools.audit.facts import (
    Allocation,
    Books,
    Facts,
    Ledger,
    Letter,
    Message,
    Order,
    Payment,
    Reservation,
    Shelf,
    Stock,
    Workflow,
)
from tools.audit.invariants import Breach, examine

GRACE = timedelta(seconds=60)
OLD, FRESH = NOON - timedelta(seconds=61), NOON - timedelta(seconds=59)
TEN, NOTHING = Money(1000, "USD"), Money(0, "USD")
RUNNING, ENDED = Workflow(exists=True, running=True), Workflow(exists=True)


def order(order_id: str, status: str, **changes: Any) -> Order:
    return replace(Order(order_id, status, TEN, placed_at=OLD, reached_at=OLD, workflow=ENDED), **changes)


CAPTURED = Payment("", Ledger("captured", TEN, NOTHING, 1), Books("captured", TEN, NOTHING))
REFUNDED = Payment("", Ledger("refunded", TEN, TEN, 1), Books("nothing", TEN, TEN))
VOIDED = Payment("", Ledger("voided", NOTHING, NOTHING, 0), Books("nothing", NOTHING, NOTHING))
AUTHORIZED = Payment("", Ledger("authorized", NOTHING, NOTHING, 0), Books("authorized", NOTHING, NOTHING))
DECLINED = Payment("", Ledger("refused", NOTHING, NOTHING, 0), None)
TOMBSTONE = Payment("", Ledger("voided", Money(0, "XXX"), Money(0, "XXX"), 0), None)

# A shop with an order in every state that may last: 10 units received, 2 held, 3 x 2 sold, 2 left.
STOCK = Stock("PEN", received=10, available=2, reserved=2, sold=6, warehouses=(Shelf("east", 4, 2, 2),))
ORDERS = {
    one.order_id: one
    for one in (
        order("draft", "draft", placed_at=FRESH, reached_at=FRESH, workflow=RUNNING),
        order("confirmed", "confirmed", placed_at=FRESH, reached_at=FRESH, workflow=RUNNING),
        order("paid", "paid"),
        order("shipped", "shipped", workflow=Workflow()),
        order("delivered", "delivered", workflow=Workflow()),
        order("declined", "cancelled"),
        order("undone", "cancelled", cancel_requested_at=OLD, cancellation=ENDED),
        order("empty", "cancelled"),
        Order("abandoned"),
    )
}
HELD, SOLD = (Reservation("", status, (Allocation("PEN", 2),)) for status in ("held", "sold"))
RESERVATIONS = {
    "confirmed": HELD,
    **dict.fromkeys(("paid", "shipped", "delivered"), SOLD),
    "declined": replace(HELD, status="released"),
    "undone": replace(HELD, status="returned"),
}
PAYMENTS = {
    "confirmed": AUTHORIZED,
    **dict.fromkeys(("paid", "shipped", "delivered"), CAPTURED),
    "declined": DECLINED,
    "undone": REFUNDED,
    "empty": TOMBSTONE,
}
REPLAYED = Letter("carts", "dlt_1", "ord_1:paid", "orders.order-paid.v1", is_handled=True)
MESSAGES = ("confirmed:confirmed", "paid:paid", "shipped:shipped", "declined:cancelled", "undone:cancelled")


def shop(
    *,
    stock: Stock = STOCK,
    orders: Mapping[str, Order | None] = {},
    reservations: Mapping[str, Reservation | None] = {},
    payments: Mapping[str, Payment | None] = {},
    messages: Mapping[str, str | None] = {},
    moving: frozenset[str] = frozenset(),
    letters: tuple[Letter, ...] = (REPLAYED,),
) -> Facts:
    """The clean shop with these changes; None takes something away."""
    told: dict[str, str | None] = {**dict.fromkeys(MESSAGES, "sent"), "empty:cancelled": "undeliverable", **messages}
    return Facts(
        stocks={stock.sku: stock},
        moving=moving,
        orders={name: one for name, one in {**ORDERS, **orders}.items() if one},
        reservations={
            name: replace(one, order_id=name) for name, one in {**RESERVATIONS, **reservations}.items() if one
        },
        payments={name: replace(one, order_id=name) for name, one in {**PAYMENTS, **payments}.items() if one},
        messages={name: Message(name, mail) for name, mail in told.items()},
        letters=letters,
    )


def breaches(facts: Facts) -> list[Breach]:
    return list(examine(facts, now=NOON, grace=GRACE).breaches)

"""Every event has one effect on each consumer, however often it comes, in whatever order, at once, and again after a restart."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pytest

from apps.carts import subscribers as of_carts
from apps.carts.domain import Lines
from apps.inventory import subscribers as of_inventory
from apps.notifications import subscribers as of_notifications
from apps.notifications.domain import MailInProgress
from apps.shared.contracts.orders import FailureCode
from apps.shared.platform.subscriptions import EventUnknown, Subscriptions
from tests.support.events import events_of
from tests.unit.carts.fakes import Room as CartsRoom
from tests.unit.fakes import NOON
from tests.unit.inventory.fakes import Room as InventoryRoom
from tests.unit.inventory.fakes import lines
from tests.unit.notifications.fakes import NotificationsRoom

Envelope = dict[str, Any]

DELIVERIES = 3


class Consumer(Protocol):
    """A service as an order has left it before its events come."""

    async def prepare(self) -> None: ...

    def start(self) -> Subscriptions:
        """The handlers of a process that has just begun; what was stored is there."""

    async def effect(self) -> Any: ...


class Inventory:
    """10 units, of which the order holds 2. The effect: available, reserved, sold."""

    async def prepare(self) -> None:
        self.room = InventoryRoom()
        await self.room.service.receive(sku="A", warehouse="east", quantity=10)
        await self.room.service.reserve("ord_1", lines(A=2))

    def start(self) -> Subscriptions:
        subscriptions = Subscriptions()
        of_inventory.subscribe(subscriptions, InventoryRoom(self.room.sidecar).service)
        return subscriptions

    async def effect(self) -> tuple[int, int, int]:
        stock = await self.room.service.get("A")
        return stock.available, stock.reserved, stock.sold


class Carts:
    """The order has taken 2 pens, and ink came into the cart since. The effect: the lines of the cart."""

    async def prepare(self) -> None:
        self.room = CartsRoom()
        await self.room.service.put("usr_1", "pen", 2)
        await self.room.service.take("usr_1", "ord_1")
        await self.room.service.put("usr_1", "ink", 1)

    def start(self) -> Subscriptions:
        subscriptions, room = Subscriptions(), CartsRoom()
        room.carts.carts = self.room.carts.carts
        of_carts.subscribe(subscriptions, room.service)
        return subscriptions

    async def effect(self) -> Lines:
        return (await self.room.carts.get("usr_1")).lines


class Notifications:
    """The effect: how often each mail was sent and each message is listed."""

    async def prepare(self) -> None:
        self.room = NotificationsRoom()

    def start(self) -> Subscriptions:
        subscriptions, room = Subscriptions(), NotificationsRoom(self.room.sidecar)
        room.mail.sent = self.room.mail.sent
        of_notifications.subscribe(subscriptions, room.service)
        return subscriptions

    async def effect(self) -> dict[str, int]:
        messages, _ = await self.room.service.list_page("usr_1", before=None, limit=100)
        mails = (f"mail: {subject}" for _, subject, _ in self.room.mail.sent)
        return dict(Counter([*mails, *(f"message: {message.kind}" for message in messages)]))


def told(*kinds: str) -> dict[str, int]:
    titles = {
        "confirmed": "Your order is confirmed",
        "paid": "Your order is paid",
        "shipped": "Your order is on its way",
        "cancelled": "Your order was cancelled",
    }
    return {name: 1 for kind in kinds for name in (f"mail: {titles[kind]}", f"message: order_{kind}")}


BY_CUSTOMER = FailureCode.CANCELLED_BY_CUSTOMER
LIVES: dict[str, tuple[list[str], FailureCode | None]] = {
    "sold": (["confirmed", "paid", "shipped", "delivered"], None),
    "refused": (["cancelled"], FailureCode.PAYMENT_DECLINED),
    "not captured": (["confirmed", "cancelled"], FailureCode.CAPTURE_FAILED),
    "given back": (["confirmed", "paid", "cancelled"], BY_CUSTOMER),
    "not wanted": (["confirmed", "cancelled"], BY_CUSTOMER),
}
EFFECTS = [
    (Inventory, "sold", (8, 0, 2)),
    (Inventory, "refused", (10, 0, 0)),
    (Inventory, "not captured", (10, 0, 0)),
    (Inventory, "given back", (10, 0, 0)),
    (Inventory, "not wanted", (10, 0, 0)),
    (Carts, "sold", {"ink": 1}),
    (Carts, "refused", {"ink": 1, "pen": 2}),
    (Carts, "not captured", {"ink": 1, "pen": 2}),
    (Carts, "given back", {"ink": 1}),
    (Carts, "not wanted", {"ink": 1}),
    (Notifications, "sold", told("confirmed", "paid", "shipped")),
    (Notifications, "refused", told("cancelled")),
    (Notifications, "not captured", told("confirmed", "cancelled")),
    (Notifications, "given back", told("confirmed", "paid", "cancelled")),
    (Notifications, "not wanted", told("confirmed", "cancelled")),
]


def envelopes(life: str) -> list[Envelope]:
    """The CloudEvents of an order that lived so."""
    statuses, code = LIVES[life]
    order = {
        "id": "ord_1",
        "user_id": "usr_1",
        "total": {"amount_minor": 300, "currency": "USD"},
        "timeline": [{"status": status, "at": NOON} for status in ("draft", *statuses)],
        "failure": {"code": code, "message": "That is why."} if code else None,
    }
    return [
        {"id": event.event_id, "type": event.type, "data": event.model_dump(mode="json")} for event in events_of(order)
    ]


async def deliver(subscriptions: Subscriptions, envelope: Envelope) -> None:
    """As a sidecar does: again while the handler refuses."""
    while True:
        try:
            await subscriptions.handle(envelope)
            return
        except EventUnknown:
            return
        except MailInProgress:
            await asyncio.sleep(0)


async def all_at_once(subscriptions: Subscriptions, events: Iterable[Envelope]) -> None:
    await asyncio.gather(*(deliver(subscriptions, event) for event in events))


async def one_by_one(subscriptions: Subscriptions, events: Iterable[Envelope]) -> None:
    for event in events:
        await deliver(subscriptions, event)


@pytest.mark.parametrize("way", [all_at_once, one_by_one])
@pytest.mark.parametrize(("consumer", "life", "effect"), EFFECTS)
async def test_each_event_has_one_effect(
    consumer: type[Consumer], life: str, effect: Any, way: Callable[..., Any]
) -> None:
    for order in itertools.permutations(envelopes(life)):
        shop = consumer()
        await shop.prepare()
        await way(shop.start(), [event for event in order for _ in range(DELIVERIES)])
        assert await shop.effect() == effect, [event["type"] for event in order]
        await way(shop.start(), reversed(order))
        assert await shop.effect() == effect, [event["type"] for event in order]


async def test_a_cancellation_that_comes_before_its_stock_is_held_holds_none_later() -> None:
    inventory = Inventory()
    await inventory.prepare()
    (cancelled,) = envelopes("refused")
    cancelled["data"]["order_id"] = "ord_2"
    await one_by_one(inventory.start(), [cancelled] * DELIVERIES)
    await inventory.room.service.reserve("ord_2", lines(A=5))
    assert await inventory.effect() == (8, 2, 0)

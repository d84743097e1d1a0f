"""Whatever is killed while orders stand at every point of the saga, each of them ends as it must, to the unit and to the cent."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.chaos.stories import HELD_BACK, Story, stories
from tests.support.casualty import Casualties, order_if_answered
from tests.support.client import Client, eventually
from tests.support.faulty import Control
from tests.support.mail import Mailbox
from tests.support.shops import STACK
from tools.audit.facts import Facts
from tools.audit.gathering import gather
from tools.audit.invariants import examine
from tools.local.api import Api
from tools.local.home import Home

STOCK, PRICE_MINOR = 50, 1250
STANDING_SECONDS = 60
ENDED_SECONDS = 60
AT_ONCE = 6
EVENTS_LATE = timedelta(seconds=60)
"""How long an event may take that came while its consumer was dead (components/pubsub-redis, config/resiliency)."""
EVENTS_AT_ONCE = 40


class Buyer:
    """The customer of one story, with a product that nobody else buys: orders that stand hold up no others. Buys once a round."""

    def __init__(self, story: Story, client: Client, product: dict[str, Any], control: Control) -> None:
        self.story, self.client, self.product, self._control = story, client, product, control
        self.order_ids: list[str] = []

    @property
    def order_id(self) -> str:
        return self.order_ids[-1]

    def __str__(self) -> str:
        return f"{self.order_id} ({self.story.way}, stood at {self.story.stop})"

    async def come_to_the_stop(self, turns: asyncio.Semaphore) -> None:
        story = self.story
        async with turns:
            await self.client.fill_cart(self.product["id"], 1)
            placed = (await self.client.place(story.token)).expect(202)
        self.order_ids.append(placed["id"])
        self._control.arm(self.order_id, story.cancelled_at or story.stop)
        await self._stands()
        if story.by_saga_of_its_own:
            self._control.release(self.order_id)
            self._control.arm(self.order_id, story.stop)
        if story.cancelled_at:
            (await self.client.call("POST", f"/api/v1/orders/{self.order_id}/cancel")).expect(202)
        if story.overtaken:
            await self.client.follow(self.order_id, "cancelled")
        if story.cancelled_at not in ("", story.stop):
            if not story.by_saga_of_its_own:
                self._control.arm(self.order_id, story.stop)
                self._control.release(self.order_id)
            await self._stands()

    def go_on(self) -> None:
        self._control.release(self.order_id)

    async def told(self) -> list[str]:
        """The events that told of the order until now."""
        order = await self.client.order(self.order_id)
        told = [entry["status"] for entry in order["timeline"] if entry["status"] != HELD_BACK.get(self.story.stop)]
        return [f"{self.order_id}:{status}" for status in told if status != "draft"]

    async def _stands(self) -> None:
        async def look() -> bool:
            return self._control.is_standing(self.order_id)

        try:
            await eventually(look, bool, seconds=STANDING_SECONDS)
        except AssertionError:
            order = await order_if_answered(self.client, self.order_id)
            pytest.fail(f"{self} has not come there: it is {order['status']}")


@pytest.fixture(scope="module")
async def buyers(run_json: dict[str, Any], shop_url: str, control: Control) -> AsyncIterator[list[Buyer]]:
    turns = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(Client(shop_url))
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])

        async def buyer(story: Story) -> Buyer:
            client = await stack.enter_async_context(Client(shop_url))
            async with turns:
                await client.register()
                product = await admin.new_product(quantity=STOCK, price_minor=PRICE_MINOR)
            return Buyer(story, client, product, control)

        yield await asyncio.gather(*map(buyer, stories()))


@pytest.fixture(scope="module")
def mailbox(home: Home) -> Mailbox:
    return Mailbox(home.mail)


@pytest.fixture(scope="module", autouse=True)
def _table() -> None:
    print(f"\n{'killed':<34} {'orders':>6} {'points':>6} {'paid':>4} {'seconds until the last ended':>28}")


@pytest.fixture(autouse=True)
def _nobody_stands(control: Control) -> Iterator[None]:
    """After a round, also one that failed in the middle."""
    yield
    control.clear()


@pytest.mark.parametrize(
    "victims",
    [
        [("app", "inventory")],
        *([("backend", server)] for server in STACK.servers),
        [("app", "orders")],
        [("app", "payments")],
        [("daprd", "orders"), ("daprd", "inventory"), ("daprd", "payments")],
        [("backend", "placement")],
        [("backend", "scheduler")],
        [("daprd", "checkout")],
        [("app", "checkout")],
    ],
    ids=lambda victims: " ".join([victims[0][0], *(name for _, name in victims)]),
)
@pytest.mark.timeout(240)
async def test_orders_at_every_point_end_as_they_must(
    victims: list[tuple[str, str]],
    buyers: list[Buyer],
    admin: Client,
    control: Control,
    casualties: Casualties,
) -> None:
    t0 = time.monotonic()
    control.close_gate()
    turns = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(buyer.come_to_the_stop(turns) for buyer in buyers))
    control.open_gate()
    t1 = time.monotonic()
    await until_mails_are_out(admin, buyers)
    t2 = time.monotonic()
    old = {(kind, name): await casualties.kill(kind, name) for kind, name in victims}
    began = time.monotonic()
    for buyer in buyers:
        buyer.go_on()
    orders = await until_all_ended(admin, buyers)
    seconds = time.monotonic() - began
    for (kind, name), pid in old.items():
        await casualties.new_pid(kind, name, old=pid)
    killed = " ".join([victims[0][0], *(name for _, name in victims)])
    points, paid = (
        len({buyer.story.stop for buyer in buyers}),
        [order["status"] for order in orders.values()].count("paid"),
    )
    print(f"{killed:<34} {len(buyers):>6} {points:>6} {paid:>4} {seconds:>28.1f}")
    t3 = time.monotonic()

    assert {str(one): ending(orders[one.order_id]) for one in buyers} == {str(one): one.story.code for one in buyers}
    facts = await until_clean(admin, grace=EVENTS_LATE)
    assert [line for buyer in buyers for line in goods_and_money(buyer, facts)] == []
    print(f"stand {t1 - t0:.1f} mails {t2 - t1:.1f} ended {t3 - t2:.1f} audit {time.monotonic() - t3:.1f}")


async def test_afterwards_every_event_has_had_its_effect_once(
    buyers: list[Buyer], admin: Client, mailbox: Mailbox
) -> None:
    facts = await until_clean(admin, grace=timedelta(0))
    assert [stock.sku for stock in facts.stocks.values() if stock.reserved] == []
    await eventually(lambda: mails_that_differ(mailbox, buyers), lambda differ: differ == {}, seconds=20)


def ending(order: dict[str, Any]) -> str:
    """The code of its failure; empty when it is paid."""
    return str(order["failure"]["code"]) if order["status"] == "cancelled" else ""


async def until_mails_are_out(admin: Client, buyers: list[Buyer]) -> None:
    """A mail that is sent and not noted when PostgreSQL dies is sent again, which is known: that is not what is tried here."""
    event_ids = [event_id for told in await asyncio.gather(*(buyer.told() for buyer in buyers)) for event_id in told]

    async def unsent() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for start in range(0, len(event_ids), EVENTS_AT_ONCE):
            query = urlencode([("event_ids", one) for one in event_ids[start : start + EVENTS_AT_ONCE]])
            rows += (await admin.call("GET", f"/api/v1/audit/notifications?{query}")).expect(200)["items"]
        return [row for row in rows if row["mail"] != "sent"]

    await eventually(unsent, lambda rows: not rows, seconds=STANDING_SECONDS)


async def until_all_ended(admin: Client, buyers: list[Buyer]) -> dict[str, dict[str, Any]]:
    """The orders by id. Fails with what each of those that did not end has come to."""
    orders: dict[str, dict[str, Any]] = {}

    async def look_on() -> list[Buyer]:
        """Those left, but only the first of them is looked at: all must end."""
        left = [buyer for buyer in buyers if buyer.order_id not in orders]
        for buyer in left:
            order = await order_if_answered(buyer.client, buyer.order_id)
            if not has_ended(buyer, order["status"]):
                return left
            orders[buyer.order_id] = order
        return []

    try:
        await eventually(look_on, lambda left: not left, seconds=ENDED_SECONDS)
    except AssertionError:
        facts = await gathered(admin)
        left = [buyer for buyer in buyers if not has_ended(buyer, facts.orders[buyer.order_id].status)]
        pytest.fail("\n".join([f"not ended after {ENDED_SECONDS} s:", *(come_to(buyer, facts) for buyer in left)]))
    return orders


def has_ended(buyer: Buyer, status: str | None) -> bool:
    """A paid order whose customer has cancelled it has not."""
    return status == "cancelled" or (status == "paid" and not buyer.story.code)


def come_to(buyer: Buyer, facts: Facts) -> str:
    order, payment = facts.orders[buyer.order_id], facts.payments.get(buyer.order_id)
    reservation = facts.reservations.get(buyer.order_id)
    return (
        f"{buyer}: {order.status} since {order.reached_at}, stock {reservation and reservation.status},"
        f" money {payment and payment.ledger and payment.ledger.status}; its checkout"
        f" {'runs' if order.workflow.running else 'does not run'}, its cancellation"
        f" {'runs' if order.cancellation.running else 'does not run'}"
    )


async def gathered(admin: Client) -> Facts:
    return await asyncio.to_thread(gather, Api(admin.url, admin.token))


async def until_clean(admin: Client, *, grace: timedelta) -> Facts:
    """What the audit has read when it found no breach."""
    facts: list[Facts] = []

    async def breaches() -> list[str]:
        facts[:] = [await gathered(admin)]
        found = examine(facts[0], now=datetime.now(UTC), grace=grace)
        return [f"{one.kind}: {one.subject}: {one.detail}" for one in found.breaches]

    await eventually(breaches, lambda found: not found, seconds=EVENTS_LATE.total_seconds())
    return facts[0]


def goods_and_money(buyer: Buyer, facts: Facts) -> list[str]:
    """What differs from the buyer's story. Goods of a paid order may still be reserved: they are sold by its event."""
    story = buyer.story
    stock, books = facts.stocks[buyer.product["sku"]], facts.payments[buyer.order_id].books
    bought = 0 if story.code else len(buyer.order_ids)
    taken = PRICE_MINOR if story.captured else 0
    expected = (STOCK - bought, bought, taken, taken if story.code else 0)
    money = (books.captured.amount_minor, books.refunded.amount_minor) if books else (0, 0)
    found = (stock.available, stock.reserved + stock.sold, *money)
    names = ("available", "reserved or sold", "captured", "refunded")
    return [
        f"{buyer}: {name} is {is_now}, not {should_be}"
        for name, is_now, should_be in zip(names, found, expected, strict=True)
        if is_now != should_be
    ]


async def mails_that_differ(mailbox: Mailbox, buyers: list[Buyer]) -> dict[str, Counter[tuple[str, str]]]:
    """By order, of this round and of those before, the mails that came where they are not those of the buyer's story."""
    differing = {}
    for buyer in buyers:
        expected = Counter((buyer.client.email, mail) for mail in buyer.story.mails)
        overtaken = Counter({(buyer.client.email, buyer.story.overtaken): 1} if buyer.story.overtaken else {})
        for order_id in buyer.order_ids:
            if (mails := await mailbox.about(order_id)) not in (expected, expected + overtaken):
                differing[f"{order_id} ({buyer.story.way}, {buyer.story.stop})"] = mails
    return differing

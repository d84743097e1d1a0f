"""The real events of real orders, delivered again in bad order, at once and to restarted consumers, change nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from apps.shared.contracts.orders import OrderEvent
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.sidecar import Sidecar
from tests.support.client import Client, eventually
from tests.support.events import events_of
from tests.support.mail import mails_to
from tests.support.metrics import answers_of
from tests.support.processes import killed_app
from tests.support.shops import STACK
from tools.deadletters import CONSUMERS, DEAD_LETTERS

DELIVERIES = 3
DELIVERED = 1 if STACK.pubsub == "nats" else DELIVERIES  # of copies published at once JetStream itself drops most
STOCK = 20
SETTLED_SECONDS = 90  # what Redis handed to a sidecar whose app had died comes again after 30 to 40 s
LIVES = {
    "paid": ("tok_visa", ["confirmed", "paid"]),
    "given back": ("tok_visa", ["confirmed", "paid", "cancelled"]),
    "not captured": ("tok_captureFails", ["confirmed", "cancelled"]),
    "declined": ("tok_chargeDeclined", ["cancelled"]),
}
IN_CART_AFTERWARDS = {"paid": [], "given back": [], "not captured": [2], "declined": [2]}


@pytest.fixture
async def publisher(run_json: dict[str, Any], api_token: str) -> AsyncIterator[Publisher]:
    """Publishes as the service `orders` does."""
    sidecar = Sidecar(port=run_json["apps"]["orders"]["dapr_http_port"], token=api_token)
    yield Publisher(sidecar)
    await sidecar.close()


async def live(shopper: Client, product: dict[str, Any], life: str) -> dict[str, Any]:
    """An order of two units that has lived so."""
    token, statuses = LIVES[life]
    await shopper.register()
    await shopper.fill_cart(product["id"], 2)
    order_id = (await shopper.place(token)).expect(202)["id"]
    await shopper.follow(order_id)
    if life == "given back":
        (await shopper.call("POST", f"/api/v1/orders/{order_id}/cancel")).expect(202)
    order = await shopper.follow(order_id, statuses[-1])
    assert [entry["status"] for entry in order["timeline"]] == ["draft", *statuses]
    return order


async def effect(admin: Client, shoppers: dict[str, Client], sku: str, mail_directory: Path) -> dict[str, Any]:
    """All that the consumers have made of the events."""
    stock = await admin.stock(sku)
    seen: dict[str, Any] = {"stock": (stock["available"], stock["reserved"], stock["sold"])}
    for life, shopper in shoppers.items():
        cart = (await shopper.call("GET", "/api/v1/cart")).expect(200)
        messages = (await shopper.call("GET", "/api/v1/notifications?limit=100")).expect(200)["items"]
        seen[life] = {
            "cart": [line["quantity"] for line in cart["lines"]],
            "messages": Counter((message["kind"].removeprefix("order_"), message["mail"]) for message in messages),
            "mails": len(await mails_to(mail_directory, shopper.email)),
        }
    return seen


@pytest.mark.timeout(300)
async def test_events_that_come_again_in_bad_order_and_after_a_restart_change_nothing(
    admin: Client, shop_url: str, publisher: Publisher, run_json: dict[str, Any], mail_directory: Path
) -> None:
    product = await admin.new_product(quantity=STOCK)
    expected: dict[str, Any] = {"stock": (STOCK - 2, 0, 2)}
    for life, (_, statuses) in LIVES.items():
        expected[life] = {
            "cart": IN_CART_AFTERWARDS[life],
            "messages": Counter((status, "sent") for status in statuses),
            "mails": len(statuses),
        }
    async with AsyncExitStack() as stack:
        shoppers = {life: await stack.enter_async_context(Client(shop_url)) for life in LIVES}
        orders = await asyncio.gather(*(live(shopper, product, life) for life, shopper in shoppers.items()))

        async def look() -> dict[str, Any]:
            return await effect(admin, shoppers, product["sku"], mail_directory)

        await eventually(look, lambda seen: seen == expected, seconds=SETTLED_SECONDS)
        events = [event for order in orders for event in reversed(events_of(order))]

        async def handled() -> dict[str, int]:
            return {
                app_id: (await answers_of(run_json, app_id, "/events/orders")).get("200", 0) for app_id in CONSUMERS
            }

        await redeliver(publisher, events, handled)
        assert await look() == expected
        for app_id in CONSUMERS:
            with killed_app(run_json, app_id):
                pass
        await redeliver(publisher, events, handled)
        assert await look() == expected
    for app_id in CONSUMERS:
        letters = (await admin.call("GET", f"{DEAD_LETTERS}/{app_id}?limit=100")).expect(200)["items"]
        assert not {letter["event_id"] for letter in letters} & {event.event_id for event in events}


async def redeliver(publisher: Publisher, events: list[OrderEvent], handled: Any) -> None:
    """Publish each event three times, all at once; returns once every consumer has answered for all that the broker delivers."""
    before = await handled()
    await asyncio.gather(*(publisher.publish(event) for event in events for _ in range(DELIVERIES)))
    await eventually(
        handled,
        lambda now: all(now[app_id] >= before[app_id] + len(events) * DELIVERED for app_id in CONSUMERS),
        seconds=SETTLED_SECONDS,
    )

"""What the sweep that Dapr's scheduler starts makes good: a draft that nobody carries on, and an event that nobody has heard."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from apps.notifications.domain import message_id
from tests.support.client import Client, eventually
from tests.support.processes import killed_app

LOOKED_AT_SECONDS = 150
"""The sweep looks at whole minutes, the grace of the tests' shop after their end."""

pytestmark = pytest.mark.timeout(200)


@dataclass(frozen=True)
class LeftBehind:
    """A shopper and an order with which something went wrong, for the sweep to find."""

    shopper: Client
    order_id: str
    product: dict[str, Any]


@pytest.fixture(scope="module")
async def shoppers(shop_url: str) -> AsyncIterator[tuple[Client, Client]]:
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(Client(shop_url)) for _ in range(2)]
        await first.register()
        await second.register()
        yield first, second


@pytest.fixture(scope="module")
async def unheard(
    shoppers: tuple[Client, Client], shop_url: str, run_json: dict[str, Any], api_token: str
) -> LeftBehind:
    """A paid order of which the shop has told nobody, as when the broker loses the event: the message is gone."""
    shopper, _ = shoppers
    product = await _new_product(shop_url, run_json)
    await shopper.fill_cart(product["id"], 1)
    order = await shopper.follow(str((await shopper.place()).expect(202)["id"]), "paid")
    await eventually(lambda: _kinds(shopper), lambda kinds: "order_paid" in kinds)
    store = f"http://127.0.0.1:{run_json['apps']['notifications']['dapr_http_port']}/v1.0/state/statestore/transaction"
    event_id = f"{order['id']}:paid"
    key = f"message/{message_id(event_id)}"
    lost = {"operations": [{"operation": "delete", "request": {"key": key}}]}
    async with (
        aiohttp.ClientSession() as http,
        http.post(store, json=lost, headers={"dapr-api-token": api_token}) as gone,
    ):
        assert gone.status == 204
    assert "order_paid" not in await _kinds(shopper)
    return LeftBehind(shopper, order["id"], product)


@pytest.fixture(scope="module")
async def draft(shoppers: tuple[Client, Client], shop_url: str, run_json: dict[str, Any]) -> LeftBehind:
    """A draft whose checkout was never started, and whose client never asks again."""
    _, shopper = shoppers
    product = await _new_product(shop_url, run_json)
    await shopper.fill_cart(product["id"], 1)
    with killed_app(run_json, "checkout"):
        (await shopper.place(key="never-repeated")).problem(503)
        (order,) = (await shopper.call("GET", "/api/v1/orders")).expect(200)["items"]
        assert order["status"] == "draft"
    return LeftBehind(shopper, order["id"], product)


async def test_an_event_of_which_nobody_has_heard_is_told_again(unheard: LeftBehind, draft: LeftBehind) -> None:
    await eventually(lambda: _kinds(unheard.shopper), lambda kinds: "order_paid" in kinds, seconds=LOOKED_AT_SECONDS)


async def test_an_order_whose_checkout_was_never_started_ends_by_itself(draft: LeftBehind, admin: Client) -> None:
    order = await draft.shopper.follow(draft.order_id, "cancelled", seconds=LOOKED_AT_SECONDS)
    assert order["failure"]["code"] == "internal_error"
    await eventually(
        lambda: draft.shopper.call("GET", "/api/v1/cart"),
        lambda cart: [line["product_id"] for line in cart.expect(200)["lines"]] == [draft.product["id"]],
    )
    stock = await admin.stock(draft.product["sku"])
    assert (stock["available"], stock["reserved"], stock["sold"]) == (1, 0, 0)


async def _new_product(shop_url: str, run_json: dict[str, Any]) -> dict[str, Any]:
    async with Client(shop_url) as admin:
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        return await admin.new_product(quantity=1)


async def _kinds(shopper: Client) -> list[str]:
    """What the shopper's messages are about."""
    items = (await shopper.call("GET", "/api/v1/notifications")).expect(200)["items"]
    return [str(item["kind"]) for item in items]

"""What the sweep that Dapr's scheduler starts makes good: a draft that nobody carries on, a saga that goes on no more, and an event that
nobody has heard. All three are left behind at once, and found by the same sweeps.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from apps.notifications.domain import message_id
from tests.support.client import Client, eventually
from tests.support.processes import killed_app
from tests.support.workflows import Workflows

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
async def shoppers(shop_url: str) -> AsyncIterator[tuple[Client, Client, Client]]:
    async with AsyncExitStack() as stack:
        first, second, third = [await stack.enter_async_context(Client(shop_url)) for _ in range(3)]
        for shopper in (first, second, third):
            await shopper.register()
        yield first, second, third


@pytest.fixture(scope="module")
async def unheard(
    shoppers: tuple[Client, Client, Client], shop_url: str, run_json: dict[str, Any], api_token: str
) -> LeftBehind:
    """A paid order of which the shop has told nobody, as when the broker loses the event: the message is gone."""
    shopper, _, _ = shoppers
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
async def draft(shoppers: tuple[Client, Client, Client], shop_url: str, run_json: dict[str, Any]) -> LeftBehind:
    """A draft whose checkout was never started, and whose client never asks again."""
    _, shopper, _ = shoppers
    product = await _new_product(shop_url, run_json)
    await shopper.fill_cart(product["id"], 1)
    with killed_app(run_json, "checkout"):
        (await shopper.place(key="never-repeated")).problem(503)
        (order,) = (await shopper.call("GET", "/api/v1/orders")).expect(200)["items"]
        assert order["status"] == "draft"
    return LeftBehind(shopper, order["id"], product)


@pytest.fixture(scope="module")
def payments_are_dead(run_json: dict[str, Any], unheard: LeftBehind, draft: LeftBehind) -> Iterator[ExitStack]:
    """Until the stack is closed."""
    with ExitStack() as stack:
        stack.enter_context(killed_app(run_json, "payments"))
        yield stack


@pytest.fixture(scope="module")
async def still(
    shoppers: tuple[Client, Client, Client], shop_url: str, run_json: dict[str, Any], payments_are_dead: ExitStack
) -> LeftBehind:
    """An order whose saga waits for a step that no app does."""
    _, _, shopper = shoppers
    product = await _new_product(shop_url, run_json)
    await shopper.fill_cart(product["id"], 1)
    return LeftBehind(shopper, str((await shopper.place()).expect(202)["id"]), product)


@pytest.fixture(scope="module")
async def begun_at(still: LeftBehind, workflows: Workflows) -> str:
    """When the first saga of the order that stands still began."""
    found = await eventually(lambda: workflows.find(still.order_id), lambda found: found is not None)
    return str((found or {})["createdAt"])


async def test_an_event_of_which_nobody_has_heard_is_told_again(unheard: LeftBehind, begun_at: str) -> None:
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


async def test_a_saga_that_stands_still_is_begun_again_and_nothing_is_done_twice(
    still: LeftBehind, begun_at: str, workflows: Workflows, payments_are_dead: ExitStack, admin: Client
) -> None:
    async def now_begun_at() -> str:
        return str((await workflows.find(still.order_id) or {}).get("createdAt", begun_at))

    await eventually(now_begun_at, lambda at: at != begun_at, seconds=LOOKED_AT_SECONDS)
    payments_are_dead.close()
    assert (await still.shopper.follow(still.order_id))["status"] == "paid"
    path = f"/api/v1/audit/payments?order_ids={still.order_id}"
    # The sidecar of an app that has just come back lets the saga's steps through at once, and requests once it has found it healthy.
    seen = await eventually(lambda: admin.call("GET", path), lambda answer: answer.status == 200)
    (payment,) = seen.json["items"]
    price = still.product["price"]["amount_minor"]
    assert [payment[side]["captured"]["amount_minor"] for side in ("ledger", "books")] == [price, price]
    stock = await eventually(lambda: admin.stock(still.product["sku"]), lambda stock: stock["sold"] == 1)
    assert (stock["available"], stock["reserved"]) == (0, 0)


async def _new_product(shop_url: str, run_json: dict[str, Any]) -> dict[str, Any]:
    async with Client(shop_url) as admin:
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        return await admin.new_product(quantity=1)


async def _kinds(shopper: Client) -> list[str]:
    """What the shopper's messages are about."""
    items = (await shopper.call("GET", "/api/v1/notifications")).expect(200)["items"]
    return [str(item["kind"]) for item in items]

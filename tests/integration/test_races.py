"""Many who want the same thing at the same time: the last units, one cart, an order's payment and its end."""

import asyncio
import random
import re
import urllib.request
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.shared.platform.clock import TimeOrderedIds
from apps.users.domain import Role, User
from apps.users.tokens import SignedTokens
from tests.conftest import RunningShop
from tests.support.client import ADDRESS, FINAL, Client, eventually, patiently
from tests.support.replica import second_replica

BUYERS, UNITS = 500, 10
AT_ONCE = 40
ENDED_SECONDS = 300


@pytest.fixture
async def bearers(secrets: dict[str, Any]) -> list[str]:
    """Access tokens of as many new customers as there are buyers, signed here: registering them would be a test of Argon2."""

    async def read_secret() -> dict[str, str]:
        return dict(secrets["token-signing"])

    tokens = SignedTokens(TimeOrderedIds())
    await tokens.load(read_secret)
    now = datetime.now(UTC)
    return [tokens.issue(User(f"usr_{uuid.uuid4().hex}", "", "", Role.CUSTOMER, "", now), now) for _ in range(BUYERS)]


@pytest.fixture
async def customers(shop_url: str, bearers: list[str]) -> AsyncIterator[list[Client]]:
    """Ten of them."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(shop_url)) for _ in range(10)]
        for client, bearer in zip(clients, bearers, strict=False):
            client.token = bearer
        yield clients


async def place(client: Client, bearer: str) -> str:
    """Order the cart, again under the same key as the shop says while it is too busy; the order's id."""
    body = {"payment": {"provider": "sandbox", "token": "tok_visa"}, "shipping_address": ADDRESS}
    key = uuid.uuid4().hex
    answer = await patiently(
        lambda: client.call("POST", "/api/v1/orders", body, token=bearer, idempotency_key=key), seconds=ENDED_SECONDS
    )
    return str(answer.expect(202)["id"])


async def ended(client: Client, order_id: str, bearer: str) -> dict[str, Any]:
    """The order once it is paid or cancelled."""

    async def look() -> dict[str, Any]:
        answer = await patiently(lambda: client.call("GET", f"/api/v1/orders/{order_id}", token=bearer))
        order: dict[str, Any] = answer.expect(200)
        if order["status"] not in FINAL:
            await asyncio.sleep(1)
        return order

    return await eventually(look, lambda order: order["status"] in FINAL, seconds=ENDED_SECONDS)


def outcome(order: dict[str, Any]) -> str:
    return str(order["failure"]["code"] if order["failure"] else order["status"])


def decided_reservations(app_port: int) -> int:
    """How many reservations a replica of inventory has made or refused."""
    with urllib.request.urlopen(f"http://127.0.0.1:{app_port}/metrics", timeout=5) as answer:
        counts = re.findall(r"^stock_reservations_total\{[^}]*\} (\S+)$", answer.read().decode(), re.MULTILINE)
    return int(sum(map(float, counts)))


@pytest.mark.timeout(700)
@pytest.mark.parametrize("replicas", [1, pytest.param(2, marks=pytest.mark.replicates("inventory"))])
async def test_the_last_units_are_sold_once_and_all(
    replicas: int, shop: RunningShop, admin: Client, bearers: list[str], tmp_path: Path
) -> None:
    product = await admin.new_product(quantity=UNITS)
    first = shop.run_json["apps"]["inventory"]
    extra = second_replica(shop.run_json, "inventory", tmp_path) if replicas == 2 else nullcontext()
    few_at_once = asyncio.Semaphore(AT_ONCE)

    async def fill(bearer: str) -> None:
        async with few_at_once:
            path = f"/api/v1/cart/items/{product['id']}"
            (await patiently(lambda: admin.call("PUT", path, {"quantity": 1}, token=bearer))).expect(200)

    async def buy(bearer: str) -> str:
        async with few_at_once:
            return await place(admin, bearer)

    async def follow(order_id: str, bearer: str) -> dict[str, Any]:
        async with few_at_once:
            return await ended(admin, order_id, bearer)

    with extra as second:
        running = [first, second] if second else [first]
        before = [decided_reservations(replica["app_port"]) for replica in running]
        await asyncio.gather(*map(fill, bearers))
        order_ids = await asyncio.gather(*map(buy, bearers))
        assert len(set(order_ids)) == BUYERS
        orders = await asyncio.gather(*map(follow, order_ids, bearers))
        assert Counter(map(outcome, orders)) == {"paid": UNITS, "out_of_stock": BUYERS - UNITS}
        stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == UNITS)
        assert (stock["available"], stock["reserved"], stock["on_hand"]) == (0, 0, 0)
        decided = [
            decided_reservations(replica["app_port"]) - old for replica, old in zip(running, before, strict=True)
        ]
        assert all(decided), f"a replica took no part: {decided}"


async def test_a_cart_that_is_edited_while_it_is_ordered_loses_and_doubles_nothing(
    admin: Client, customers: list[Client]
) -> None:
    first, *others = [await admin.new_product(quantity=len(customers)) for _ in range(6)]
    chance = random.Random(5)

    async def shop(client: Client) -> None:
        await client.fill_cart(first["id"], 1)

        async def add(product: dict[str, Any]) -> None:
            await asyncio.sleep(chance.uniform(0, 0.15))
            await client.fill_cart(product["id"], 1)

        async with asyncio.TaskGroup() as together:
            placing = together.create_task(client.place_patiently())
            for product in others:
                together.create_task(add(product))
        order = placing.result().expect(202)
        cart = (await client.call("GET", "/api/v1/cart")).expect(200)
        ordered, left = (
            {line["product_id"]: line["quantity"] for line in lines} for lines in (order["lines"], cart["lines"])
        )
        assert ordered[first["id"]] == 1
        assert ordered | left == {product["id"]: 1 for product in (first, *others)}
        assert not ordered.keys() & left.keys()
        end = await ended(client, order["id"], client.token)
        assert (end["status"], end["lines"], end["total"]) == ("paid", order["lines"], order["total"])
        assert end["total"]["amount_minor"] == 1250 * len(ordered)

    await asyncio.gather(*map(shop, customers))


async def test_one_cart_makes_one_order_however_many_are_placed_at_once(admin: Client, customers: list[Client]) -> None:
    product = await admin.new_product(quantity=2 * len(customers))

    async def shop(client: Client) -> None:
        await client.fill_cart(product["id"], 2)
        answers = await asyncio.gather(*(client.place_patiently() for _ in range(4)))
        assert sorted(answer.status for answer in answers) == [202, 409, 409, 409]
        (order,) = (answer.json for answer in answers if answer.status == 202)
        assert {answer.json["type"] for answer in answers if answer.status == 409} == {"/problems/empty-cart"}
        end = await ended(client, order["id"], client.token)
        assert [line["quantity"] for line in end["lines"]] == [2]
        assert end["status"] == "paid"

    await asyncio.gather(*map(shop, customers))
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 20)
    assert stock["reserved"] == 0


async def test_a_cancellation_meets_the_capture_and_no_money_is_lost(admin: Client, customers: list[Client]) -> None:
    product = await admin.new_product(quantity=8 * len(customers))
    chance = random.Random(9)

    async def shop(client: Client) -> dict[str, Any]:
        await client.fill_cart(product["id"], 2)
        order_id = (await client.place_patiently()).expect(202)["id"]
        await asyncio.sleep(chance.uniform(0, 0.8))
        (await patiently(lambda: client.call("POST", f"/api/v1/orders/{order_id}/cancel"))).expect(202)
        return await client.follow(order_id, "cancelled", seconds=ENDED_SECONDS)

    orders = [order for _ in range(4) for order in await asyncio.gather(*map(shop, customers))]
    assert {outcome(order) for order in orders} == {"cancelled_by_customer"}
    query = "&".join(f"order_ids={order['id']}" for order in orders)
    payments = (await admin.call("GET", f"/api/v1/audit/payments?{query}")).expect(200)["items"]
    assert len(payments) == len(orders)
    for payment in payments:
        for books in (payment["ledger"], payment["books"]):
            if books:
                assert books["captured"]["amount_minor"] == books["refunded"]["amount_minor"]
                assert books["captured"]["amount_minor"] in (0, 2500)
        assert (payment["books"] or {"standing": "nothing"})["standing"] == "nothing"
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["available"] == stock["received"])
    assert (stock["reserved"], stock["sold"]) == (0, 0)

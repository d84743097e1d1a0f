"""Many who want the same thing at the same time: the last units, one cart, an order's payment and its end."""

import asyncio
import random
import re
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import RunningShop
from tests.support.client import FINAL, Client, eventually
from tests.support.replica import second_replica

BUYERS = 500
UNITS = 10
ACCOUNTS = 25
ENDED_SECONDS = 100


@pytest.fixture(scope="module")
async def accounts(shop_url: str) -> AsyncIterator[list[Client]]:
    """Fewer than buyers, since a password costs a good part of a second: each account orders many times."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(shop_url)) for _ in range(ACCOUNTS)]
        few_at_once = asyncio.Semaphore(3)

        async def register(client: Client) -> None:
            async with few_at_once:
                await client.register()

        await asyncio.gather(*map(register, clients))
        yield clients


@contextmanager
def standing_still(*pids: int) -> Iterator[None]:
    """These processes do nothing inside the block, and go on after it with all that came meanwhile."""
    processes = [psutil.Process(pid) for pid in pids]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def ended(client: Client, order_ids: list[str], *, seconds: float = ENDED_SECONDS) -> list[dict[str, Any]]:
    """These of the client's latest orders, once all of them are paid or cancelled."""

    async def look() -> list[dict[str, Any]]:
        await asyncio.sleep(0.3)
        page = (await client.call("GET", "/api/v1/orders?limit=100")).expect(200)
        return [order for order in page["items"] if order["id"] in order_ids]

    return await eventually(
        look,
        lambda orders: len(orders) == len(order_ids) and all(order["status"] in FINAL for order in orders),
        seconds=seconds,
    )


def outcome(order: dict[str, Any]) -> str:
    return str(order["failure"]["code"] if order["failure"] else order["status"])


def reservations(app_port: int) -> int:
    """How many reservations a replica of inventory has decided."""
    with urllib.request.urlopen(f"http://127.0.0.1:{app_port}/metrics", timeout=5) as answer:
        counts = re.findall(r"^stock_reservations_total\{[^}]*\} (\S+)$", answer.read().decode(), re.MULTILINE)
    return int(sum(map(float, counts)))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("replicas", [1, 2])
async def test_the_last_units_are_sold_once_and_all(
    replicas: int, shop: RunningShop, admin: Client, accounts: list[Client], tmp_path: Path
) -> None:
    product = await admin.new_product(quantity=UNITS)
    first = shop.run_json["apps"]["inventory"]
    extra = second_replica(shop.run_json, "inventory", tmp_path) if replicas == 2 else nullcontext()
    with extra as second:
        running = [first, second] if second else [first]
        before = [reservations(replica["app_port"]) for replica in running]

        async def queue_up(client: Client) -> list[str]:
            order_ids = []
            for _ in range(BUYERS // ACCOUNTS):
                await client.fill_cart(product["id"], 1)
                order_ids.append((await client.place()).expect(202)["id"])
            return order_ids

        with standing_still(*(replica["app_pid"] for replica in running)):
            queues = await asyncio.gather(*map(queue_up, accounts))
        assert len({order_id for queue in queues for order_id in queue}) == BUYERS
        orders = await asyncio.gather(*map(ended, accounts, queues))
        counts = Counter(outcome(order) for listed in orders for order in listed)
        assert counts == {"paid": UNITS, "out_of_stock": BUYERS - UNITS}
        stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == UNITS)
        assert (stock["available"], stock["reserved"], stock["on_hand"]) == (0, 0, 0)
        decided = [reservations(replica["app_port"]) - old for replica, old in zip(running, before, strict=True)]
        assert all(decided), f"a replica took no part: {decided}"


async def test_a_cart_that_is_edited_while_it_is_ordered_loses_and_doubles_nothing(
    admin: Client, accounts: list[Client]
) -> None:
    first, *others = [await admin.new_product(quantity=len(accounts)) for _ in range(6)]
    chance = random.Random(5)

    async def shop(client: Client) -> None:
        await client.call("DELETE", "/api/v1/cart")
        await client.fill_cart(first["id"], 1)

        async def add(product: dict[str, Any]) -> None:
            await asyncio.sleep(chance.uniform(0, 0.15))
            await client.fill_cart(product["id"], 1)

        async with asyncio.TaskGroup() as together:
            placing = together.create_task(client.place())
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
        (end,) = await ended(client, [order["id"]])
        assert (end["status"], end["lines"], end["total"]) == ("paid", order["lines"], order["total"])
        assert end["total"]["amount_minor"] == 1250 * len(ordered)

    await asyncio.gather(*map(shop, accounts[:10]))


async def test_one_cart_makes_one_order_however_many_are_placed_at_once(admin: Client, accounts: list[Client]) -> None:
    product = await admin.new_product(quantity=2 * len(accounts))

    async def shop(client: Client) -> None:
        await client.call("DELETE", "/api/v1/cart")
        await client.fill_cart(product["id"], 2)
        answers = await asyncio.gather(*(client.place() for _ in range(4)))
        assert sorted(answer.status for answer in answers) == [202, 409, 409, 409]
        (order,) = (answer.json for answer in answers if answer.status == 202)
        assert {answer.json["type"] for answer in answers if answer.status == 409} == {"/problems/empty-cart"}
        (end,) = await ended(client, [order["id"]])
        assert [line["quantity"] for line in end["lines"]] == [2]
        assert end["status"] == "paid"

    await asyncio.gather(*map(shop, accounts[:10]))
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 20)
    assert stock["reserved"] == 0


async def test_a_cancellation_meets_the_capture_and_no_money_is_lost(admin: Client, accounts: list[Client]) -> None:
    product = await admin.new_product(quantity=4 * len(accounts))
    chance = random.Random(9)

    async def shop(client: Client) -> dict[str, Any]:
        await client.call("DELETE", "/api/v1/cart")
        await client.fill_cart(product["id"], 2)
        order_id = (await client.place()).expect(202)["id"]
        await asyncio.sleep(chance.uniform(0, 2.5))
        (await client.call("POST", f"/api/v1/orders/{order_id}/cancel")).expect(202)
        return await client.follow(order_id, "cancelled", seconds=ENDED_SECONDS)

    orders = [order for _ in range(2) for order in await asyncio.gather(*map(shop, accounts))]
    assert {outcome(order) for order in orders} == {"cancelled_by_customer"}
    query = "&".join(f"order_ids={order['id']}" for order in orders[:40])
    payments = (await admin.call("GET", f"/api/v1/audit/payments?{query}")).expect(200)["items"]
    assert len(payments) == 40
    for payment in payments:
        for books in (payment["ledger"], payment["books"]):
            if books:
                assert books["captured"]["amount_minor"] == books["refunded"]["amount_minor"]
                assert books["captured"]["amount_minor"] in (0, 2500)
        assert (payment["books"] or {"standing": "nothing"})["standing"] == "nothing"
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["available"] == stock["received"])
    assert (stock["reserved"], stock["sold"]) == (0, 0)

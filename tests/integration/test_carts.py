"""Carts as real actors: two devices, a guest who logs in, an order that takes, a reminder that ends what was left alone, a kill."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.shared.contracts.orders import FailureCode
from apps.shared.platform.sidecar import Sidecar
from tests.conftest import SHOP_ENVIRONMENT
from tests.support.carts import Orders, StoredCarts
from tests.support.client import Answer, Client, eventually
from tests.support.processes import killed_app

CART = "/api/v1/cart"
TTL_SECONDS = int(SHOP_ENVIRONMENT["CARTS_GUEST_TTL_SECONDS"])
REPEATS_SECONDS = 0.5
"""How long the repeats of an event may take after the first."""


def given_cart_id(answer: Answer) -> str:
    """The X-Cart-Id of an answer; sidecars spell header names in a way of their own."""
    return {name.lower(): value for name, value in answer.headers.items()}.get("x-cart-id", "")


def quantities(cart: dict[str, Any]) -> dict[str, int]:
    return {line["product_id"]: line["quantity"] for line in cart["lines"]}


async def lines_of(client: Client, cart_id: str = "") -> dict[str, int]:
    headers = {"x_cart_id": cart_id} if cart_id else {}
    return quantities((await client.call("GET", CART, **headers)).expect(200))


async def put(client: Client, product: dict[str, Any], quantity: Any, cart_id: str = "") -> Answer:
    headers = {"x_cart_id": cart_id} if cart_id else {}
    return await client.call("PUT", f"{CART}/items/{product['id']}", {"quantity": quantity}, **headers)


@pytest.fixture
async def guest(shop_url: str) -> AsyncIterator[Client]:
    async with Client(shop_url) as client:
        yield client


async def new_product(admin: Client) -> dict[str, Any]:
    """A product without stock: a cart does not ask for any."""
    body = {
        "sku": f"K-{uuid.uuid4().hex[:12].upper()}",
        "name": "Blotter",
        "description": "Made for a test.",
        "category": "stationery",
        "price": {"amount_minor": 1250, "currency": "USD"},
    }
    product: dict[str, Any] = (await admin.call("POST", "/api/v1/products", body)).expect(201)
    return product


@pytest.fixture
async def pen(admin: Client) -> dict[str, Any]:
    return await new_product(admin)


@pytest.fixture
async def ink(admin: Client) -> dict[str, Any]:
    return await new_product(admin)


@pytest.fixture
async def orders(run_json: dict[str, Any], api_token: str) -> AsyncIterator[Orders]:
    sidecar = Sidecar(port=run_json["apps"]["orders"]["dapr_http_port"], token=api_token)
    yield Orders(sidecar)
    await sidecar.close()


@pytest.fixture
async def stored(run_json: dict[str, Any], api_token: str) -> AsyncIterator[StoredCarts]:
    sidecar = Sidecar(port=run_json["apps"]["carts"]["dapr_http_port"], token=api_token)
    yield StoredCarts(sidecar)
    await sidecar.close()


def new_order_id() -> str:
    return f"ord_test{uuid.uuid4().hex}"


async def test_a_guests_cart(guest: Client, pen: dict[str, Any]) -> None:
    first = await put(guest, pen, 2)
    cart_id = given_cart_id(first)
    assert len(cart_id) > 40
    price, total = ({"amount_minor": amount, "currency": "USD"} for amount in (1250, 2500))
    line = {"product_id": pen["id"], "sku": pen["sku"], "name": "Blotter", "quantity": 2}
    shown = {"lines": [{**line, "unit_price": price, "total": total, "unavailable": False}], "totals": [total]}
    assert first.expect(200) == shown
    again = await guest.call("GET", CART, x_cart_id=cart_id)
    assert (again.expect(200), given_cart_id(again)) == (shown, cart_id)
    other = await guest.call("GET", CART)
    assert other.expect(200) == {"lines": [], "totals": []}
    assert given_cart_id(other) not in ("", cart_id)
    assert await lines_of(guest, "crt_" + "0" * 42) == {}
    (await guest.call("DELETE", CART, x_cart_id=cart_id)).expect(204)
    assert await lines_of(guest, cart_id) == {}


@pytest.mark.parametrize("cart_id", ["usr_1", "crt_1", "crt_" + "0" * 200, "crt_../../state", "%00"])
async def test_a_cart_id_that_was_not_made_here(guest: Client, shopper: Client, cart_id: str) -> None:
    for client in (guest, shopper):
        problem = (await client.call("GET", CART, x_cart_id=cart_id)).problem(400)
        assert problem["type"] == "/problems/cart-id-malformed"


@pytest.mark.parametrize("quantity", [-1, 1000, 1.5, "2", None, True])
async def test_odd_quantities_are_refused(shopper: Client, pen: dict[str, Any], quantity: Any) -> None:
    (await put(shopper, pen, quantity)).problem(422)
    assert await lines_of(shopper) == {}


async def test_only_products_that_exist(shopper: Client) -> None:
    (await shopper.call("PUT", f"{CART}/items/prd_nothing", {"quantity": 1})).problem(404)
    (await shopper.call("PUT", f"{CART}/items/prd_nothing", {"quantity": 0})).expect(200)


async def test_the_price_is_always_todays(admin: Client, shopper: Client, pen: dict[str, Any]) -> None:
    (await put(shopper, pen, 3)).expect(200)
    path = f"/api/v1/products/{pen['id']}"
    change = {"name": "Best blotter", "category": "stationery", "price": {"amount_minor": 990, "currency": "EUR"}}
    (await admin.call("PUT", path, change)).expect(200)
    cart = (await shopper.call("GET", CART)).expect(200)
    assert cart["totals"] == [{"amount_minor": 2970, "currency": "EUR"}]
    assert cart["lines"][0]["name"] == "Best blotter"
    (await admin.call("DELETE", path)).expect(204)
    cart = (await shopper.call("GET", CART)).expect(200)
    assert cart["totals"] == []
    line = cart["lines"][0]
    assert (line["product_id"], line["quantity"], line["unavailable"]) == (pen["id"], 3, True)
    assert (line["unit_price"], line["total"]) == (None, None)
    assert quantities((await put(shopper, pen, 0)).expect(200)) == {}


async def test_two_devices_at_once_lose_no_line(admin: Client, shopper: Client) -> None:
    products = await asyncio.gather(*(new_product(admin) for _ in range(12)))
    answers = await asyncio.gather(*(put(shopper, product, number + 1) for number, product in enumerate(products)))
    for answer in answers:
        answer.expect(200)
    assert await lines_of(shopper) == {product["id"]: number + 1 for number, product in enumerate(products)}


async def test_a_guest_who_logs_in_brings_each_line_once(
    guest: Client, shopper: Client, pen: dict[str, Any], ink: dict[str, Any]
) -> None:
    (await put(shopper, pen, 998)).expect(200)
    cart_id = given_cart_id(await put(guest, pen, 2))
    (await put(guest, ink, 5, cart_id)).expect(200)
    seen = await asyncio.gather(*(lines_of(shopper, cart_id) for _ in range(6)))
    assert {pen["id"]: 999, ink["id"]: 5} in seen
    assert await lines_of(shopper, cart_id) == {pen["id"]: 999, ink["id"]: 5}
    assert await lines_of(guest, cart_id) == {}
    (await put(guest, ink, 1, cart_id)).expect(200)
    assert await lines_of(shopper, cart_id) == {pen["id"]: 999, ink["id"]: 6}


async def test_a_guests_cart_ends_some_time_after_its_last_change(
    guest: Client, stored: StoredCarts, pen: dict[str, Any]
) -> None:
    started = time.monotonic()
    cart_id = given_cart_id(await put(guest, pen, 1))
    await asyncio.sleep(started + TTL_SECONDS * 0.7 - time.monotonic())
    changed = time.monotonic()
    (await put(guest, pen, 2, cart_id)).expect(200)
    await asyncio.sleep(started + TTL_SECONDS + 0.5 - time.monotonic())
    spared = await lines_of(guest, cart_id)
    if time.monotonic() < changed + TTL_SECONDS:  # else the machine is too slow to tell
        assert spared == {pen["id"]: 2}, "the reminder did not spare a cart that had changed"
    await eventually(lambda: lines_of(guest, cart_id), lambda lines: lines == {}, seconds=TTL_SECONDS + 10)
    assert await stored.find(cart_id) is None


async def test_an_order_takes_and_a_failed_one_gives_back(
    shopper: Client, orders: Orders, pen: dict[str, Any], ink: dict[str, Any]
) -> None:
    user_id, order_id = shopper.user_id, new_order_id()
    assert await orders.take(user_id, order_id) == {}
    (await put(shopper, pen, 2)).expect(200)
    (await put(shopper, ink, 1)).expect(200)
    taken = await asyncio.gather(*(orders.take(user_id, order_id) for _ in range(5)))
    assert taken == [{pen["id"]: 2, ink["id"]: 1}] * 5
    assert await orders.take(user_id, new_order_id()) == {}
    (await put(shopper, pen, 1)).expect(200)
    for _ in range(2):
        await orders.restore(user_id, order_id)
        assert await lines_of(shopper) == {pen["id"]: 3, ink["id"]: 1}


@pytest.mark.parametrize("code", [FailureCode.PAYMENT_DECLINED, FailureCode.CANCELLED_BY_CUSTOMER])
async def test_a_cancelled_order_gives_back_once_what_its_customer_still_wants(
    shopper: Client, orders: Orders, stored: StoredCarts, pen: dict[str, Any], code: FailureCode
) -> None:
    order_id = new_order_id()
    (await put(shopper, pen, 2)).expect(200)
    await orders.take(shopper.user_id, order_id)
    await asyncio.gather(*(orders.tell_cancelled(shopper.user_id, order_id, code) for _ in range(3)))
    expected = {} if code is FailureCode.CANCELLED_BY_CUSTOMER else {pen["id"]: 2}
    await eventually(lambda: stored.taken(shopper.user_id), lambda taken: taken == {})
    await asyncio.sleep(REPEATS_SECONDS)
    assert await lines_of(shopper) == expected
    await orders.restore(shopper.user_id, order_id)
    assert await lines_of(shopper) == expected


async def test_a_paid_order_keeps_what_it_took(
    admin: Client, shopper: Client, orders: Orders, stored: StoredCarts
) -> None:
    product = await admin.new_product()
    (await put(shopper, product, 2)).expect(200)
    order_id = (await shopper.place()).expect(202)["id"]
    await shopper.follow(order_id, "paid")
    await asyncio.gather(*(orders.tell_paid(shopper.user_id, order_id) for _ in range(2)))
    await eventually(lambda: stored.taken(shopper.user_id), lambda taken: taken == {})
    await orders.restore(shopper.user_id, order_id)
    assert await lines_of(shopper) == {}


async def test_what_was_acknowledged_outlives_a_kill(admin: Client, shopper: Client, run_json: dict[str, Any]) -> None:
    products = [await new_product(admin) for _ in range(20)]
    acknowledged: set[str] = set()

    async def fill() -> None:
        for product in products:
            if (await put(shopper, product, 1)).status == 200:
                acknowledged.add(product["id"])

    filling = asyncio.create_task(fill())
    await eventually(lambda: asyncio.sleep(0, len(acknowledged)), lambda count: count >= 3)
    await asyncio.to_thread(_kill_and_revive, run_json)
    await filling
    assert len(acknowledged) >= 3
    lines = await eventually(lambda: shopper.call("GET", CART), lambda answer: answer.status == 200)
    assert acknowledged <= set(quantities(lines.json))


def _kill_and_revive(run_json: dict[str, Any]) -> None:
    with killed_app(run_json, "carts"):
        time.sleep(0.3)


async def test_of_two_devices_that_read_the_same_cart_one_may_change_it(admin: Client, shopper: Client) -> None:
    product = await admin.new_product()
    path = f"{CART}/items/{product['id']}"
    read = (await shopper.call("GET", CART)).headers["Etag"]
    answers = await asyncio.gather(
        *(shopper.call("PUT", path, {"quantity": quantity}, if_match=read) for quantity in (1, 2, 3, 4))
    )
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
    (changed,) = (answer for answer in answers if answer.status == 200)
    seen = await shopper.call("GET", CART)
    assert (seen.json, seen.headers["Etag"]) == (changed.json, changed.headers["Etag"])
    (await shopper.call("PUT", path, {"quantity": 5}, if_match=seen.headers["Etag"])).expect(200)

"""The journeys of a shopper through the gateway: the happy one, one for each failure code, and each leaves the books balanced."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client, eventually
from tests.support.mail import mails_to

PRICE_MINOR = 1250


async def notifications(client: Client) -> list[dict[str, Any]]:
    page = (await client.call("GET", "/api/v1/notifications")).expect(200)
    items: list[dict[str, Any]] = page["items"]
    return items


async def test_the_seed_journey(admin: Client, shopper: Client, mail_directory: Path) -> None:
    product = await admin.new_product(name="Brass sharpener", price_minor=PRICE_MINOR, quantity=5)

    found = await eventually(
        lambda: shopper.call("GET", "/api/v1/products?q=bras+sharpner"),
        lambda answer: product["id"] in [item["id"] for item in answer.expect(200)["items"]],
    )
    assert found.json["items"][0]["price"] == {"amount_minor": PRICE_MINOR, "currency": "USD"}
    shown = await eventually(
        lambda: shopper.call("GET", f"/api/v1/products/{product['id']}"),
        lambda answer: answer.expect(200)["available"] == 5,
    )
    assert shown.json["name"] == "Brass sharpener"

    cart = await shopper.fill_cart(product["id"], 2)
    assert cart["totals"] == [{"amount_minor": 2 * PRICE_MINOR, "currency": "USD"}]
    placed = await shopper.place()
    order = placed.expect(202)
    assert order["status"] == "draft"
    assert placed.headers["Location"] == f"/api/v1/orders/{order['id']}"
    assert (await shopper.call("GET", "/api/v1/cart")).expect(200)["lines"] == []

    paid = await shopper.follow(order["id"])
    assert [entry["status"] for entry in paid["timeline"]] == ["draft", "confirmed", "paid"]
    assert paid["total"] == {"amount_minor": 2 * PRICE_MINOR, "currency": "USD"}
    assert "tok_visa" not in json.dumps(paid)

    history = (await shopper.call("GET", "/api/v1/orders")).expect(200)
    assert [item["id"] for item in history["items"]] == [order["id"]]
    await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 2)
    stock = await admin.stock(product["sku"])
    assert (stock["on_hand"], stock["reserved"], stock["available"]) == (3, 0, 3)

    # A consumer that was killed a moment ago is sent nothing new until its unfinished mail is settled, then what it missed.
    messages = await eventually(lambda: notifications(shopper), lambda items: len(items) == 2, seconds=100)
    assert {message["order_id"] for message in messages} == {order["id"]}
    mails = await eventually(lambda: mails_to(mail_directory, shopper.email), lambda found: len(found) == 2)
    assert all(order["id"] in mail for mail in mails)


@pytest.mark.parametrize(
    ("token", "code", "statuses"),
    [
        ("tok_chargeDeclined", "payment_declined", ["draft", "cancelled"]),
        ("tok_insufficientFunds", "payment_declined", ["draft", "cancelled"]),
        ("tok_fraud", "fraud_suspected", ["draft", "cancelled"]),
        ("tok_captureFails", "capture_failed", ["draft", "confirmed", "cancelled"]),
    ],
)
async def test_a_payment_that_fails_leaves_stock_and_cart_as_before(
    admin: Client, shopper: Client, token: str, code: str, statuses: list[str]
) -> None:
    product = await admin.new_product(quantity=3)
    before = await admin.stock(product["sku"])
    await shopper.fill_cart(product["id"], 2)
    order = (await shopper.place(token)).expect(202)
    cancelled = await shopper.follow(order["id"])
    assert cancelled["failure"]["code"] == code
    assert [entry["status"] for entry in cancelled["timeline"]] == statuses
    assert await admin.stock(product["sku"]) == before
    await eventually(
        lambda: shopper.call("GET", "/api/v1/cart"),
        lambda cart: [line["quantity"] for line in cart.expect(200)["lines"]] == [2],
    )


async def test_an_order_for_more_than_there_is(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=1)
    other = await admin.new_product(quantity=9)
    await shopper.fill_cart(product["id"], 2)
    await shopper.fill_cart(other["id"], 1)
    order = (await shopper.place()).expect(202)
    cancelled = await shopper.follow(order["id"])
    assert cancelled["failure"]["code"] == "out_of_stock"
    for item, quantity in ((product, 1), (other, 9)):
        stock = await admin.stock(item["sku"])
        assert (stock["available"], stock["reserved"], stock["sold"]) == (quantity, 0, 0)


async def test_a_provider_that_answers_late_charges_once(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    order = (await shopper.place("tok_timeout")).expect(202)
    assert (await shopper.follow(order["id"]))["status"] == "paid"


async def test_a_paid_order_is_cancelled_by_its_customer(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=2)
    await shopper.fill_cart(product["id"], 2)
    order = (await shopper.place()).expect(202)
    await shopper.follow(order["id"], "paid")
    (await shopper.call("POST", f"/api/v1/orders/{order['id']}/cancel")).expect(202)
    cancelled = await shopper.follow(order["id"], "cancelled")
    assert cancelled["failure"]["code"] == "cancelled_by_customer"
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["available"] == 2)
    assert (stock["reserved"], stock["sold"], stock["received"]) == (0, 0, 2)
    (await shopper.call("POST", f"/api/v1/orders/{order['id']}/cancel")).expect(202)


async def test_an_order_is_shipped_and_delivered_in_that_order(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    path = f"/api/v1/orders/{(await shopper.place()).expect(202)['id']}"
    await shopper.follow(path.rpartition("/")[2], "paid")
    (await admin.call("POST", f"{path}/deliver")).problem(409)
    (await shopper.call("POST", f"{path}/ship")).problem(403)
    assert (await admin.call("POST", f"{path}/ship")).expect(200)["status"] == "shipped"
    (await shopper.call("POST", f"{path}/cancel")).problem(409)
    assert (await admin.call("POST", f"{path}/deliver")).expect(200)["status"] == "delivered"
    kinds = await eventually(lambda: notifications(shopper), lambda items: len(items) == 3)
    assert "shipped" in json.dumps(kinds)


async def test_the_event_stream_tells_each_status_and_ends(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    order = (await shopper.place()).expect(202)
    stream = await shopper.call("GET", f"/api/v1/orders/{order['id']}/events")
    assert stream.status == 200
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    data = [json.loads(line[5:]) for line in stream.body.decode().splitlines() if line.startswith("data:")]
    assert [event["status"] for event in data] == ["draft", "confirmed", "paid"]


async def test_idempotency_keys(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=4)
    await shopper.fill_cart(product["id"], 1)
    body = {"payment": {"provider": "sandbox", "token": "tok_visa"}}
    (await shopper.call("POST", "/api/v1/orders", body)).problem(422)
    missing = {
        **body,
        "shipping_address": {"name": "A", "line1": "B", "city": "C", "postal_code": "D", "country": "GB"},
    }
    (await shopper.call("POST", "/api/v1/orders", missing)).problem(400)
    first = (await shopper.place(key="one-key")).expect(202)
    await shopper.follow(first["id"], "paid")
    assert (await shopper.place(key="one-key")).expect(202) == first
    (await shopper.place("tok_fraud", key="one-key")).problem(422)
    (await shopper.place(key="another-key")).problem(409)
    assert (await admin.stock(product["sku"]))["available"] == 3


async def test_other_peoples_orders_do_not_exist(admin: Client, shopper: Client, shop_url: str) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    order = (await shopper.place()).expect(202)
    await shopper.follow(order["id"])
    async with Client(shop_url) as stranger:
        (await stranger.call("GET", f"/api/v1/orders/{order['id']}")).problem(401)
        await stranger.register()
        for path in ("", "/events"):
            (await stranger.call("GET", f"/api/v1/orders/{order['id']}{path}")).problem(404)
        (await stranger.call("POST", f"/api/v1/orders/{order['id']}/cancel")).problem(404)
        assert (await stranger.call("GET", "/api/v1/orders")).expect(200)["items"] == []
    assert (await admin.call("GET", f"/api/v1/orders/{order['id']}")).expect(200)["id"] == order["id"]

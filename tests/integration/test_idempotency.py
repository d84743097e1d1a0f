"""The whole matrix of `Idempotency-Key` on placing an order: one key of one user is one order, and its answer never changes."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from tests.support.client import ADDRESS, Answer, Client, eventually
from tests.support.workflows import Workflows

ODD_KEYS = ("a b\tc", "'; DROP TABLE orders; --", '{"$gt": ""}', "../../order/1", "%00%0a||", "{{7*7}}", "x" * 255)


def same(first: Answer, again: Answer) -> None:
    """Status, body and headers are those of the first answer, but for what tells one request from another."""
    passing = {"date", "x-request-id", "traceparent", "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-remaining"}
    one, other = (
        {name.lower(): value for name, value in answer.headers.items() if name.lower() not in passing}
        for answer in (first, again)
    )
    assert (again.status, again.body, other) == (first.status, first.body, one)


@pytest.fixture
async def product(admin: Client) -> dict[str, Any]:
    return await admin.new_product(quantity=10)


async def orders_of(shopper: Client) -> list[str]:
    return [item["id"] for item in (await shopper.call("GET", "/api/v1/orders")).expect(200)["items"]]


@contextmanager
def frozen(run_json: dict[str, Any], app_id: str) -> Iterator[None]:
    """Inside the block the app answers nothing."""
    process = psutil.Process(run_json["apps"][app_id]["app_pid"])
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def test_a_paid_order_is_answered_as_at_first_also_after_its_workflow_is_gone(
    shopper: Client, product: dict[str, Any], workflows: Workflows, admin: Client
) -> None:
    await shopper.fill_cart(product["id"], 2)
    first = await shopper.place(key="paid")
    order_id = first.expect(202)["id"]
    same(first, await shopper.place(key="paid"))

    paid = await shopper.follow(order_id)
    assert paid["status"] == "paid"
    ran = await workflows.ended(order_id)
    same(first, await shopper.place(key="paid"))
    assert await workflows.find(order_id) == ran

    await workflows.purge(order_id)
    assert await workflows.find(order_id) is None
    same(first, await shopper.place(key="paid"))
    assert await workflows.find(order_id) is None
    assert await shopper.order(order_id) == paid
    assert await orders_of(shopper) == [order_id]
    await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 2)
    assert (await admin.stock(product["sku"]))["available"] == 8


async def test_a_cancelled_order_is_answered_as_at_first_and_not_begun_again(
    shopper: Client, product: dict[str, Any], workflows: Workflows, admin: Client
) -> None:
    await shopper.fill_cart(product["id"], 1)
    declined = await shopper.place("tok_chargeDeclined", key="declined")
    order_id = declined.expect(202)["id"]
    cancelled = await shopper.follow(order_id)
    assert cancelled["failure"]["code"] == "payment_declined"
    ran = await workflows.ended(order_id)
    same(declined, await shopper.place("tok_chargeDeclined", key="declined"))
    assert await workflows.find(order_id) == ran
    assert await shopper.order(order_id) == cancelled

    await eventually(lambda: shopper.call("GET", "/api/v1/cart"), lambda cart: cart.expect(200)["lines"] != [])
    first = await shopper.place(key="cancelled by the customer")
    other_id = first.expect(202)["id"]
    await shopper.follow(other_id, "paid")
    (await shopper.call("POST", f"/api/v1/orders/{other_id}/cancel")).expect(202)
    cancelled = await shopper.follow(other_id, "cancelled")
    same(first, await shopper.place(key="cancelled by the customer"))
    assert await shopper.order(other_id) == cancelled
    assert await orders_of(shopper) == [other_id, order_id]
    stock = await admin.stock(product["sku"])
    assert (stock["available"], stock["reserved"], stock["sold"]) == (10, 0, 0)


async def test_another_body_is_refused_and_leaves_cart_and_order_alone(
    shopper: Client, product: dict[str, Any]
) -> None:
    await shopper.fill_cart(product["id"], 1)
    first = await shopper.place(key="k")
    await shopper.fill_cart(product["id"], 3)
    (await shopper.place("tok_fraud", key="k")).problem(422)
    elsewhere = {
        "payment": {"provider": "sandbox", "token": "tok_visa"},
        "shipping_address": {**ADDRESS, "city": "Leeds"},
    }
    (await shopper.call("POST", "/api/v1/orders", elsewhere, idempotency_key="k")).problem(422)
    same(first, await shopper.place(key="k"))
    assert (await shopper.call("GET", "/api/v1/cart")).expect(200)["lines"][0]["quantity"] == 3
    assert await orders_of(shopper) == [first.json["id"]]
    assert (await shopper.follow(first.json["id"]))["status"] == "paid"


async def test_while_the_first_is_in_flight_the_second_is_told_to_wait(
    shopper: Client, product: dict[str, Any], run_json: dict[str, Any]
) -> None:
    await shopper.fill_cart(product["id"], 1)
    with frozen(run_json, "catalog"):
        both = [asyncio.create_task(shopper.place(key="k")) for _ in range(2)]
        (answered,), (in_flight,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        waiting = answered.result()
        assert "still being handled" in waiting.problem(409)["detail"]
        assert waiting.headers["Retry-After"] == "1"
    first = await in_flight
    first.expect(202)
    same(first, await shopper.place(key="k"))
    assert await orders_of(shopper) == [first.json["id"]]


async def test_twenty_at_once_are_one_order(shopper: Client, product: dict[str, Any], admin: Client) -> None:
    await shopper.fill_cart(product["id"], 1)
    answers = await asyncio.gather(*(shopper.place(key="k") for _ in range(20)))
    assert {answer.status for answer in answers} <= {202, 409}
    placed = [answer for answer in answers if answer.status == 202]
    again = await eventually(lambda: shopper.place(key="k"), lambda answer: answer.status == 202, seconds=20)
    for answer in placed:
        same(again, answer)
    assert await orders_of(shopper) == [again.json["id"]]
    assert (await shopper.follow(again.json["id"]))["status"] == "paid"
    await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 1)


async def test_a_key_is_one_users_own(
    shopper: Client, shop_url: str, product: dict[str, Any], workflows: Workflows
) -> None:
    async with Client(shop_url) as other:
        await other.register()
        for client in (shopper, other):
            await client.fill_cart(product["id"], 1)
        ours, theirs = [await client.place(key="the same") for client in (shopper, other)]
        assert ours.expect(202)["id"] != theirs.expect(202)["id"]
        same(ours, await shopper.place(key="the same"))
        same(theirs, await other.place(key="the same"))
        (await other.call("GET", str(ours.headers["Location"]))).problem(404)
        assert await orders_of(other) == [theirs.json["id"]]


@pytest.mark.parametrize(("key", "status"), [("", 400), (" ", 400), ("x" * 256, 422), ("x" * 5000, 422)])
async def test_a_missing_or_oversized_key_orders_nothing(
    shopper: Client, product: dict[str, Any], key: str, status: int
) -> None:
    await shopper.fill_cart(product["id"], 1)
    body = {"payment": {"provider": "sandbox", "token": "tok_visa"}, "shipping_address": ADDRESS}
    headers = {"idempotency_key": key} if key else {}
    problem = (await shopper.call("POST", "/api/v1/orders", body, **headers)).problem(status)
    assert "idempotency-key" in str(problem).lower()
    assert await orders_of(shopper) == []
    assert len((await shopper.call("GET", "/api/v1/cart")).expect(200)["lines"]) == 1


async def test_odd_characters_make_a_key_as_good_as_any(shopper: Client, product: dict[str, Any]) -> None:
    placed: dict[str, Answer] = {}
    for key in (*ODD_KEYS, uuid.uuid4().hex, "Case", "case"):
        await shopper.fill_cart(product["id"], 1)
        placed[key] = await shopper.place(key=key)
        same(placed[key], await shopper.place(key=key))
    order_ids = [answer.expect(202)["id"] for answer in placed.values()]
    assert len(set(order_ids)) == len(placed)
    assert await orders_of(shopper) == order_ids[::-1]
    for key, answer in placed.items():
        same(answer, await shopper.place(key=key))

"""Bad input is a 4xx problem and changes nothing; odd but good input is kept and given back as it was."""

import html
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.support.bad_requests import (
    CARD,
    ORDER,
    ORDERS,
    PRODUCT,
    PRODUCTS,
    bodies,
    carts,
    lists,
    orders,
    people,
    products,
)
from tests.support.client import ADDRESS, Client, eventually
from tests.support.mail import mails_to

SCRIPT = """Robert'); DROP TABLE state;-- <script>alert("1")</script> {{7*7}} ${7*7} %s %n \\ \u202e😀"""


class World:
    """What must stay as it is: a product with stock, and a customer with a cart that is ready to be ordered."""

    def __init__(self, admin: Client, customer: Client, nobody: Client, product: dict[str, Any]) -> None:
        self.clients = {"admin": admin, "customer": customer, "nobody": nobody}
        self.values = {"product_id": product["id"], "sku": product["sku"], "user_id": customer.user_id}
        self._product = product

    async def seen(self) -> list[Any]:
        admin, customer = self.clients["admin"], self.clients["customer"]
        paths = [
            f"/api/v1/users/{customer.user_id}",
            "/api/v1/cart",
            ORDERS,
            f"{PRODUCTS}/{self._product['id']}",
            f"/api/v1/inventory/{self._product['sku']}",
            f"{PRODUCTS}?limit=1&sort=newest",
        ]
        return [(await (admin if "inventory" in path else customer).call("GET", path)).expect(200) for path in paths]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(shop_url: str, run_json: dict[str, Any]) -> AsyncIterator[World]:
    async with Client(shop_url) as admin, Client(shop_url) as customer, Client(shop_url) as nobody:
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        await customer.register()
        product = await admin.new_product(quantity=5)
        await customer.fill_cart(product["id"], 2)
        yield World(admin, customer, nobody, product)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # of the client
@pytest.mark.parametrize("group", [bodies, orders, carts, products, people, lists], ids=lambda group: group.__name__)
async def test_bad_input_is_refused_and_changes_nothing(world: World, group: Any) -> None:
    before = await world.seen()
    for request in group():
        path = request.path.format(**world.values)
        answer = await world.clients[request.who].send(request.method, path, request.body, request.headers)
        said = f"{request.method} {path[:80]} {request.body[:80]!r} {request.headers}: {answer.status} {answer.body!r}"
        assert answer.status == request.status, said
        answer.problem(request.status)
        assert CARD not in answer.body.decode().replace(" ", "").replace("-", ""), said
    assert await world.seen() == before


async def test_what_is_odd_but_good_is_kept_as_it_is(admin: Client, shopper: Client, mail_directory: Path) -> None:
    product = await admin.new_product(name=SCRIPT)
    change = {**PRODUCT, "sku": product["sku"], "name": SCRIPT, "description": SCRIPT * 9}
    changed = (await admin.call("PUT", f"{PRODUCTS}/{product['id']}", change)).expect(200)
    assert (changed["name"], changed["description"]) == (SCRIPT, SCRIPT * 9)
    odd = {**ADDRESS, "name": SCRIPT, "line1": SCRIPT}
    profile = {"name": SCRIPT, "addresses": [odd]}
    (await shopper.call("PUT", f"/api/v1/users/{shopper.user_id}", profile)).expect(200)
    user = (await shopper.call("GET", f"/api/v1/users/{shopper.user_id}")).expect(200)
    assert (user["name"], user["addresses"][0]["line1"]) == (SCRIPT, SCRIPT)
    await shopper.fill_cart(product["id"], 1)
    body = {**ORDER, "shipping_address": odd}
    placed = (await shopper.call("POST", ORDERS, body, idempotency_key="clé 🔑 '; DROP TABLE")).expect(202)
    again = (await shopper.call("POST", ORDERS, body, idempotency_key="clé 🔑 '; DROP TABLE")).expect(202)
    assert again["id"] == placed["id"]
    order = await shopper.follow(placed["id"], "paid")
    assert (order["lines"][0]["name"], order["shipping_address"]["name"]) == (SCRIPT, SCRIPT)
    mails = await eventually(lambda: mails_to(mail_directory, shopper.email), lambda found: len(found) >= 1)
    for mail in mails:
        assert SCRIPT in html.unescape(mail)
        assert "<script" not in mail


@pytest.mark.parametrize("text", ["'", '"', "a AND (b OR", "name:*", "+-!^~*?:\\/", "%", "(", SCRIPT, "{{7*7}}"])
async def test_any_words_may_be_looked_for(shop_url: str, text: str) -> None:
    async with Client(shop_url) as client:
        (await client.call("GET", f"{PRODUCTS}?{urlencode({'q': text})}")).expect(200)


async def test_the_dearest_line_can_be_ordered(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=999, price_minor=10**10)
    cart = await shopper.fill_cart(product["id"], 999)
    assert cart["totals"] == [{"amount_minor": 999 * 10**10, "currency": "USD"}]
    order = (await shopper.place()).expect(202)
    assert (await shopper.follow(order["id"], "paid"))["total"]["amount_minor"] == 999 * 10**10

"""Every operation of the shop × everyone who may ask × one's own object and another's, through the real gateway."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from apps.gateway.routing import ROWS, Row
from apps.users.domain import Role
from tests.support.client import ADDRESS, PASSWORD, Client

CALLERS = ("nobody", "guest", "stranger", "owner", "other vendor", "vendor", "admin")
"""`owner` is the customer whose account and orders are asked for, `vendor` the one whose product and stock."""

ALL_200 = (200,) * 7
SIGNED_IN = (401, 401, 200, 200, 200, 200, 200)
OWNERS = (401, 401, 404, 200, 404, 404, 200)
ADMINS = (401, 401, 403, 403, 403, 403, 200)
NO_SUCH_LETTER = (401, 401, 403, 403, 403, 403, 404)

CONSUMERS = ("inventory", "carts", "notifications")

EXPECTED = {
    "POST /auth/register": (201,) * 7,
    "POST /auth/login": ALL_200,
    "POST /auth/refresh": ALL_200,
    "POST /auth/logout": (204,) * 7,
    "GET /.well-known/jwks.json": ALL_200,
    "GET /api/v1/users/{user_id}": OWNERS,
    "PUT /api/v1/users/{user_id}": OWNERS,
    "PUT /api/v1/users/{user_id}/role": ADMINS,
    "GET /api/v1/products": ALL_200,
    "POST /api/v1/products": (401, 401, 403, 403, 201, 201, 201),
    "GET /api/v1/products/{product_id}": ALL_200,
    "PUT /api/v1/products/{product_id}": (401, 401, 403, 403, 403, 200, 200),
    "DELETE /api/v1/products/{product_id}": (401, 401, 403, 403, 403, 204, 204),
    "GET /api/v1/categories": ALL_200,
    "GET /api/v1/cart": ALL_200,
    "PUT /api/v1/cart/items/{product_id}": ALL_200,
    "DELETE /api/v1/cart": (204,) * 7,
    "POST /api/v1/orders": (401, 401, 202, 202, 202, 202, 202),
    "GET /api/v1/orders": SIGNED_IN,
    "GET /api/v1/orders/{order_id}": OWNERS,
    "GET /api/v1/orders/{order_id}/events": OWNERS,
    "POST /api/v1/orders/{order_id}/cancel": (401, 401, 404, 202, 404, 404, 202),
    "POST /api/v1/orders/{order_id}/ship": ADMINS,
    "POST /api/v1/orders/{order_id}/deliver": ADMINS,
    "GET /api/v1/inventory/{sku}": (401, 401, 403, 403, 404, 200, 200),
    "POST /api/v1/inventory/{sku}/receipts": (401, 401, 403, 403, 404, 201, 201),
    "GET /api/v1/notifications": SIGNED_IN,
    "GET /api/v1/audit/orders": ADMINS,
    "GET /api/v1/audit/stock": ADMINS,
    "GET /api/v1/audit/reservations": ADMINS,
    "GET /api/v1/audit/payments": ADMINS,
    "GET /api/v1/audit/notifications": ADMINS,
    **{f"GET /api/v1/audit/dead-letters/{consumer}": ADMINS for consumer in CONSUMERS},
    **{f"POST /api/v1/audit/dead-letters/{consumer}/{{letter_id}}/replay": NO_SUCH_LETTER for consumer in CONSUMERS},
    **{f"DELETE /api/v1/audit/dead-letters/{consumer}/{{letter_id}}": NO_SUCH_LETTER for consumer in CONSUMERS},
}
QUERIES = {"GET /api/v1/audit/notifications": "?event_ids=ord_x:paid"}


def name_of(row: Row) -> str:
    return f"{row.method} {row.path}"


def test_every_operation_and_every_role_is_expected_here() -> None:
    assert sorted(EXPECTED) == sorted(map(name_of, ROWS))
    assert {role.value for role in Role} == {"customer", "vendor", "admin"}, "a new role needs a caller here"


class Stage:
    """The callers, what they own, and a request for each operation that only the caller decides about."""

    def __init__(self, callers: dict[str, Client], cart_id: str, orders: dict[str, str]) -> None:
        self.callers, self._cart_id, self._orders = callers, cart_id, orders
        self.product: dict[str, Any] = {}

    async def ask(self, row: Row, caller: str) -> int:
        operation, client = name_of(row), self.callers[caller]
        if operation == "POST /api/v1/orders" and client.token:
            await client.fill_cart(self.product["id"], 1)
        values = {
            "user_id": self.callers["owner"].user_id,
            "order_id": self._orders.get(operation, self._orders["paid"]),
            "product_id": self.product["id"],
            "sku": self.product["sku"],
            "letter_id": "no-such-letter",
        }
        if operation.startswith("DELETE /api/v1/products"):
            values["product_id"] = (await self.callers["vendor"].new_product())["id"]
        headers = {"x_cart_id": self._cart_id} if caller == "guest" else {}
        if operation == "POST /api/v1/orders":
            headers["idempotency_key"] = uuid.uuid4().hex
        path = row.path.format(**values) + QUERIES.get(operation, "")
        answer = await client.call(row.method, path, await self._body(operation), **headers)
        if answer.status >= 400:
            answer.problem(answer.status)
        if operation == "POST /auth/refresh":
            self.callers["spare"].refresh_token = answer.json["refresh_token"]
        return answer.status

    async def _body(self, operation: str) -> Any:
        spare = self.callers["spare"]
        details = {
            "name": "Pen",
            "category": "pens",
            "price": {"amount_minor": 100, "currency": "USD"},
        }
        account = {"email": f"{uuid.uuid4().hex}@plaza.example", "password": PASSWORD, "name": "Ada"}
        return {
            "POST /auth/register": account,
            "POST /auth/login": {"email": spare.email, "password": PASSWORD},
            "POST /auth/refresh": {"refresh_token": spare.refresh_token},
            "POST /auth/logout": {"refresh_token": spare.refresh_token},
            "PUT /api/v1/users/{user_id}": {"name": "Ada"},
            "PUT /api/v1/users/{user_id}/role": {"role": "customer"},
            "POST /api/v1/products": {"sku": f"R-{uuid.uuid4().hex[:12]}", **details},
            "PUT /api/v1/products/{product_id}": details,
            "PUT /api/v1/cart/items/{product_id}": {"quantity": 1},
            "POST /api/v1/orders": {
                "payment": {"provider": "sandbox", "token": "tok_visa"},
                "shipping_address": ADDRESS,
            },
            "POST /api/v1/inventory/{sku}/receipts": {"warehouse": "east", "quantity": 1},
        }.get(operation)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(shop_url: str, run_json: dict[str, Any]) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        callers = {name: await stack.enter_async_context(Client(shop_url)) for name in (*CALLERS, "spare")}
        admin = callers["admin"]
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        for name in ("stranger", "owner", "other vendor", "vendor", "spare"):
            await callers[name].register()
        for name in ("other vendor", "vendor"):
            role = await admin.call("PUT", f"/api/v1/users/{callers[name].user_id}/role", {"role": "vendor"})
            role.expect(200)
            await callers[name].login(callers[name].email, PASSWORD)
        guest = await callers["guest"].call("GET", "/api/v1/cart")
        cart_id = {name.lower(): value for name, value in guest.headers.items()}["x-cart-id"]
        product, owner = await callers["vendor"].new_product(quantity=100), callers["owner"]
        orders = {}
        for name in (
            "paid",
            *(f"POST /api/v1/orders/{{order_id}}/{change}" for change in ("cancel", "ship", "deliver")),
        ):
            await owner.fill_cart(product["id"], 1)
            orders[name] = (await owner.place()).expect(202)["id"]
        for order_id in orders.values():
            await owner.follow(order_id, "paid")
        deliver = orders["POST /api/v1/orders/{order_id}/deliver"]
        (await admin.call("POST", f"/api/v1/orders/{deliver}/ship")).expect(200)
        made = Stage(callers, cart_id, orders)
        made.product = product
        yield made


@pytest.mark.parametrize("row", ROWS, ids=name_of)
async def test_who_is_answered_what(stage: Stage, row: Row) -> None:
    seen = {caller: await stage.ask(row, caller) for caller in CALLERS}
    assert seen == dict(zip(CALLERS, EXPECTED[name_of(row)], strict=True))


async def test_lists_show_ones_own(stage: Stage) -> None:
    owner, stranger, admin = (stage.callers[name] for name in ("owner", "stranger", "admin"))
    path = f"/api/v1/orders?user_id={owner.user_id}"
    assert len((await owner.call("GET", path)).expect(200)["items"]) >= 4
    assert len((await admin.call("GET", path)).expect(200)["items"]) >= 4
    theirs = (await stranger.call("GET", path)).expect(200)["items"]
    assert {order["user_id"] for order in theirs} <= {stranger.user_id}
    told = (await stranger.call("GET", "/api/v1/notifications")).expect(200)["items"]
    assert {message["order_id"] for message in told} <= {order["id"] for order in theirs}

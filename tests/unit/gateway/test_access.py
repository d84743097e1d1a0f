"""Who may call what, row by row, and the table against the public contract."""

import pytest

from apps.gateway.routing import EVENTS, FORWARDED, PRODUCT, ROWS, Access, Rate, Row
from tests.unit.gateway.fakes import Shop

VALUES = {"user_id": "usr_1", "product_id": "prd_1", "order_id": "ord_1", "sku": "PEN-1", "letter_id": "dlt_1"}

# The rows of the API contract that pass through the gateway, and who the contract lets in.
CONTRACT = {
    "POST /auth/register": "unsigned",
    "POST /auth/login": "unsigned",
    "POST /auth/refresh": "unsigned",
    "POST /auth/logout": "unsigned",
    "GET /.well-known/jwks.json": "anyone",
    "GET /api/v1/users/{user_id}": "signed-in",
    "PUT /api/v1/users/{user_id}": "signed-in",
    "PUT /api/v1/users/{user_id}/role": "users:assign-roles",
    "GET /api/v1/products": "anyone",
    "POST /api/v1/products": "products:write",
    "GET /api/v1/products/{product_id}": "anyone",
    "PUT /api/v1/products/{product_id}": "products:write",
    "DELETE /api/v1/products/{product_id}": "products:write",
    "GET /api/v1/categories": "anyone",
    "GET /api/v1/cart": "guest-or-user",
    "PUT /api/v1/cart/items/{product_id}": "guest-or-user",
    "DELETE /api/v1/cart": "guest-or-user",
    "POST /api/v1/orders": "orders:place",
    "GET /api/v1/orders": "orders:read",
    "GET /api/v1/orders/{order_id}": "orders:read",
    "GET /api/v1/orders/{order_id}/events": "orders:read",
    "POST /api/v1/orders/{order_id}/cancel": "orders:read",
    "POST /api/v1/orders/{order_id}/ship": "orders:fulfil",
    "POST /api/v1/orders/{order_id}/deliver": "orders:fulfil",
    "GET /api/v1/inventory/{sku}": "inventory:read",
    "POST /api/v1/inventory/{sku}/receipts": "inventory:write",
    "GET /api/v1/notifications": "signed-in",
    "GET /api/v1/audit/orders": "audit:read",
    "GET /api/v1/audit/stock": "audit:read",
    "GET /api/v1/audit/reservations": "audit:read",
    "GET /api/v1/audit/payments": "audit:read",
    "GET /api/v1/audit/notifications": "audit:read",
    "GET /api/v1/audit/dead-letters/inventory": "audit:read",
    "POST /api/v1/audit/dead-letters/inventory/{letter_id}/replay": "events:replay",
    "DELETE /api/v1/audit/dead-letters/inventory/{letter_id}": "events:replay",
    "GET /api/v1/audit/dead-letters/carts": "audit:read",
    "POST /api/v1/audit/dead-letters/carts/{letter_id}/replay": "events:replay",
    "DELETE /api/v1/audit/dead-letters/carts/{letter_id}": "events:replay",
    "GET /api/v1/audit/dead-letters/notifications": "audit:read",
    "POST /api/v1/audit/dead-letters/notifications/{letter_id}/replay": "events:replay",
    "DELETE /api/v1/audit/dead-letters/notifications/{letter_id}": "events:replay",
}


def test_the_table_is_the_contract() -> None:
    assert {f"{row.method} {row.path}": str(row.access) for row in ROWS} == CONTRACT
    assert len(ROWS) == len(CONTRACT)


def test_only_sign_in_counts_as_such() -> None:
    assert {row.path: row.rate for row in ROWS if row.rate is not Rate.STANDARD} == {
        "/auth/register": Rate.AUTH,
        "/auth/login": Rate.LOGIN,
    }


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(rate_per_minute=100_000, auth_rate_per_minute=100_000)


CARRIED = [row for row in FORWARDED if row is not PRODUCT]  # how that one is answered: test_pages.py


@pytest.mark.parametrize("row", CARRIED, ids=lambda row: f"{row.method} {row.path}")
async def test_access(shop: Shop, row: Row) -> None:
    method, path, access = row.method, row.path.format(**VALUES), str(row.access)
    every = sorted({str(one.access) for one in ROWS if ":" in str(one.access)})

    async def status(token: str) -> int:
        shop.sidecar.sent.clear()
        status = (await shop.call(method, path, token=token)).status
        assert len(shop.sidecar.sent) == (1 if status == 200 else 0), "a service heard of a refused request"
        return status

    open_to_guests = access in ("unsigned", "anyone", "guest-or-user")
    assert await status("") == (200 if open_to_guests else 401)
    assert await status("broken") == (200 if access == "unsigned" else 401)
    assert await status(shop.token(permissions=[])) == (403 if ":" in access else 200)
    assert await status(shop.token(permissions=[one for one in every if one != access])) == (
        403 if ":" in access else 200
    )
    assert await status(shop.token(permissions=[access])) == 200


@pytest.mark.parametrize("row", CARRIED, ids=lambda row: f"{row.method} {row.path}")
async def test_each_row_reaches_its_service(shop: Shop, row: Row) -> None:
    method, path, app_id = row.method, row.path.format(**VALUES), row.app_id
    shop.sidecar.sent.clear()
    await shop.call(method, path, token=shop.token(permissions=[str(row.access)], role="admin"))
    (sent,) = shop.sidecar.sent
    assert (sent.method, sent.path) == (method, f"/v1.0/invoke/{app_id}/method{path}")
    sender = ("", "guest") if row.access is Access.UNSIGNED else ("usr_1", "admin")
    assert (sent.headers["x-plaza-user-id"], sent.headers["x-plaza-role"]) == sender


async def test_the_event_stream_needs_its_permission(shop: Shop) -> None:
    path = EVENTS.path.format(**VALUES)
    assert (await shop.call("GET", path)).status == 401
    assert (await shop.call("GET", path, token=shop.token(permissions=["orders:place"]))).status == 403


async def test_guests_are_told_apart(shop: Shop) -> None:
    shop.sidecar.sent.clear()
    await shop.call("GET", "/api/v1/cart")
    (sent,) = shop.sidecar.sent
    assert (sent.headers["x-plaza-user-id"], sent.headers["x-plaza-role"]) == ("", "guest")


@pytest.mark.parametrize("given", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "token"])
async def test_other_credentials_are_refused_with_a_challenge(shop: Shop, given: str) -> None:
    reply = await shop.call("GET", "/api/v1/products", authorization=given)
    reply.problem(401)
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path",
    [
        "/internal/receipts",
        "/internal/orders/ord_1/status",
        "/events/orders",
        "/dapr/config",
        "/webhooks/sandbox",
        "/api/v1/orders/",
        "/api/v1/orders/..",
        "/api/v1/orders/../../internal",
        "/api/v1/orders/%2e%2e",
        "/api/v1/products/prd_1?x",
        "/api/v1/products/prd 1",
    ],
)
async def test_nothing_else_is_reachable(shop: Shop, path: str) -> None:
    shop.sidecar.sent.clear()
    (await shop.call("GET", path, token=shop.token())).problem(404)
    assert shop.sidecar.sent == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/orders", "GET, POST"),
        ("PATCH", "/api/v1/products/prd_1", "DELETE, GET, PUT"),
        ("POST", "/api/v1/orders/ord_1/events", "GET"),
        ("OPTIONS", "/auth/login", "POST"),
    ],
)
async def test_other_methods_are_told_which_there_are(shop: Shop, method: str, path: str, allowed: str) -> None:
    reply = await shop.call(method, path)
    reply.problem(405)
    assert reply.headers["allow"] == allowed

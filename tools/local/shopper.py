"""A demo shopper who buys two things the way any client would, and tells how the order went."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tools.local.api import Api
from tools.local.errors import LocalError
from tools.local.waiting import open_url

SETTLED = ("paid", "cancelled")
ON_SALE_WITHIN_SECONDS = 30.0
SETTLED_WITHIN_SECONDS = 60.0
ADDRESS = {
    "name": "Demo Shopper",
    "line1": "1 Market Square",
    "city": "Springfield",
    "postal_code": "12345",
    "country": "US",
}


def place_demo_order(api: Api, *, progress: Callable[[str], None]) -> dict[str, Any]:
    """Registers a new shopper, orders two products, and answers the order once it is paid.

    Raises: LocalError when any step is refused, or the order ends otherwise.
    """
    email, password = f"demo+{secrets.token_hex(4)}@plaza.example", secrets.token_urlsafe(15)
    account = {"email": email, "password": password, "name": "Demo Shopper"}
    api.call("POST", "/auth/register", account, expect={201})
    shopper = api.logged_in(email, password)
    for product in _pick_two(api):
        shopper.call("PUT", f"/api/v1/cart/items/{product['id']}", {"quantity": 1}, expect={200})
    began = time.monotonic()
    order = shopper.call(
        "POST",
        "/api/v1/orders",
        {"payment": {"provider": "sandbox", "token": "tok_visa"}, "shipping_address": ADDRESS},
        expect={202},
        headers={"Idempotency-Key": secrets.token_hex(16)},
    ).body
    progress(f"{email} ordered {' and '.join(line['name'] for line in order['lines'])}: {order['id']}")
    _follow(shopper, order["id"])
    took_ms = (time.monotonic() - began) * 1000
    final: dict[str, Any] = shopper.call("GET", f"/api/v1/orders/{order['id']}", expect={200}).body
    if final["status"] != "paid":
        raise LocalError(f"The demo order {final['id']} is {final['status']}: {final.get('failure')}")
    progress(f"paid {_money(final['total'])} after {took_ms:.0f} ms:  {timeline(final)}")
    return final


def timeline(order: dict[str, Any]) -> str:
    """`draft 12:00:01.204 → confirmed +131 ms → paid +58 ms`"""
    parts = []
    before: datetime | None = None
    for entry in order["timeline"]:
        at = datetime.fromisoformat(entry["at"])
        moment = f"+{(at - before).total_seconds() * 1000:.0f} ms" if before else at.strftime("%H:%M:%S.%f")[:-3]
        parts.append(f"{entry['status']} {moment}")
        before = at
    return " → ".join(parts)


def _pick_two(api: Api) -> list[dict[str, Any]]:
    """Two products of different categories; a new product takes a moment to be listed."""
    deadline = time.monotonic() + ON_SALE_WITHIN_SECONDS
    while time.monotonic() < deadline:
        page: dict[str, Any] = api.call("GET", "/api/v1/products?max_price=9000&limit=100", expect={200}).body
        by_category = {product["category"]: product for product in page["items"]}
        if len(by_category) > 1:
            return list(by_category.values())[:2]
        time.sleep(0.5)
    raise LocalError("The catalogue lists no products to order, though it was seeded.")


def _follow(shopper: Api, order_id: str) -> None:
    """Returns when the order is settled, as its event stream tells, or at the latest when the time is over."""
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if any(status in SETTLED for status in _statuses(shopper, order_id)):
            return
        if shopper.call("GET", f"/api/v1/orders/{order_id}", expect={200}).body["status"] in SETTLED:
            return
        time.sleep(0.2)


def _statuses(shopper: Api, order_id: str) -> Iterator[str]:
    """What the Server-Sent Events of an order say; ends when the stream does."""
    request = shopper.request("GET", f"/api/v1/orders/{order_id}/events", None, {"Accept": "text/event-stream"})
    try:
        with open_url(request, timeout_seconds=SETTLED_WITHIN_SECONDS) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    yield str(json.loads(line.removeprefix(b"data:")).get("status"))
    except (OSError, ValueError):
        return


def _money(amount: dict[str, Any]) -> str:
    whole, cents = divmod(int(amount["amount_minor"]), 100)
    return f"{whole}.{cents:02d} {amount['currency']}"

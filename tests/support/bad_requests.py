"""Requests that are to be refused, by what they are about: bodies, orders, carts, products, people, lists."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.support.client import ADDRESS, PASSWORD

CARD = "4111111111111111"
CARDS = [CARD, "4111 1111 1111 1111", "4111-1111-1111-1111", f"my card {CARD}, thanks", int(CARD), float(CARD)]
JSON = {"content-type": "application/json"}
ORDERS, PRODUCTS = "/api/v1/orders", "/api/v1/products"
ORDER = {"payment": {"provider": "sandbox", "token": "tok_visa"}, "shipping_address": ADDRESS}
PRODUCT = {
    "sku": "BAD-1",
    "name": "Pen",
    "description": "",
    "category": "pens",
    "price": {"amount_minor": 100, "currency": "USD"},
}
ACCOUNT = {"email": "bad@plaza.example", "password": PASSWORD, "name": "Bad"}


class Bad(NamedTuple):
    """One request that is to be refused with `status`; `who` sends it."""

    status: int
    who: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str]


def bad(status: int, who: str, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None) -> Bad:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Bad(status, who, method, path, raw, {**JSON, **(headers or {})})


def key() -> dict[str, str]:
    return {"idempotency-key": uuid.uuid4().hex}


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def bodies() -> Iterator[Bad]:
    """What is wrong with a body whoever reads it."""
    valid = json.dumps(ORDER).encode()
    name = json.dumps(ADDRESS["name"]).encode()
    for status, body in (
        (413, b'{"a":"%s"}' % (b"x" * 1024 * 1024)),
        (400, b"[" * 200_000),
        (400, b'{"payment":' * 50_000),
        (422, b'{"payment":%s%s}' % (b"[" * 300, b"]" * 300)),
        (400, b"payment=tok_visa"),
        (400, valid[:-1]),
        (400, valid.replace(name, b'"\xff\xfe"')),
        (400, valid.replace(name, b'"\xed\xa0\x80"')),
        (400, valid.replace(name, b'"\\ud800"')),
        (400, valid.replace(name, b'"Ada\\u0000"')),
        (400, valid.replace(b'{"provider"', b'{"provider":"other","provider"')),
        (400, valid.replace(name, b"NaN")),
        (400, valid.decode().encode("utf-16")),
        (422, b""),
        (422, b"null"),
        (422, b"7"),
        (422, b'"order"'),
        (422, b"[]"),
        (422, b"{}"),
    ):
        yield bad(status, "customer", "POST", ORDERS, body, key())
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"):
        yield bad(415, "customer", "POST", ORDERS, valid, {**key(), "content-type": kind})


def orders() -> Iterator[Bad]:
    payments: tuple[Any, ...] = (
        None,
        [],
        "tok_visa",
        {},
        {"provider": "sandbox"},
        {"provider": "sandbox", "token": ""},
        {"provider": "sandbox", "token": 7},
        {"provider": "sandbox", "token": "x" * 201},
        {"provider": "sandbox", "token": "tok visa"},
        {"provider": "sandbox'; DROP TABLE state", "token": "tok_visa"},
        {"provider": "sandbox", "token": "tok_visa", "amount_minor": 1},
    )
    for payment in payments:
        yield bad(422, "customer", "POST", ORDERS, {**ORDER, "payment": payment}, key())
    for field, value in (
        ("country", "gb"),
        ("country", ""),
        ("name", ""),
        ("line1", 7),
        ("city", "x" * 101),
        ("x", "y"),
    ):
        yield bad(422, "customer", "POST", ORDERS, {**ORDER, "shipping_address": {**ADDRESS, field: value}}, key())
    for card in CARDS:
        yield bad(422, "customer", "POST", ORDERS, {**ORDER, "payment": {"provider": "sandbox", "token": card}}, key())
        yield bad(422, "customer", "POST", ORDERS, {**ORDER, "shipping_address": {**ADDRESS, "line2": card}}, key())
    escaped = json.dumps(ORDER).encode().replace(b"tok_visa", b"\\u0034111111111111111")
    yield bad(422, "customer", "POST", ORDERS, escaped, key())
    yield bad(400, "customer", "POST", ORDERS, ORDER)
    for status, given in ((400, " "), (422, "k" * 256)):
        yield bad(status, "customer", "POST", ORDERS, ORDER, {"idempotency-key": given})
    for path in ("ord_nope", "ord_x'%20OR%20'1'='1", "%00", "%2e%2e", "..%2f..%2finternal", "a" * 201, "%ff"):
        yield bad(404, "customer", "GET", f"{ORDERS}/{path}")
        yield bad(404, "customer", "POST", f"{ORDERS}/{path}/cancel")


def carts() -> Iterator[Bad]:
    path = "/api/v1/cart/items/{product_id}"
    quantities: tuple[Any, ...] = (-1, 1000, 10**30, -(10**30), 1.5, 1e300, "1", True, None, [], {})
    for quantity in quantities:
        yield bad(422, "customer", "PUT", path, {"quantity": quantity})
    for body in ({}, {"quantity": 1, "price": 1}, [1]):
        yield bad(422, "customer", "PUT", path, body)
    yield bad(404, "customer", "PUT", "/api/v1/cart/items/prd_nope", {"quantity": 1})
    yield bad(422, "customer", "PUT", "/api/v1/cart/items/usr_1", {"quantity": 1})
    yield bad(412, "customer", "PUT", path, {"quantity": 9}, {"if-match": '"stale"'})
    for cart_id in ("crt_short", "usr_1", "crt_" + "0" * 500, "'; DROP TABLE"):
        yield bad(400, "nobody", "PUT", path, {"quantity": 1}, {"x-cart-id": cart_id})


def products() -> Iterator[Bad]:
    for price in (0, -1, 10**10 + 1, 10**40, 1.5, "100", None, True):
        yield bad(422, "admin", "POST", PRODUCTS, {**PRODUCT, "price": {"amount_minor": price, "currency": "USD"}})
    for currency in ("usd", "US", "DOLLAR", "ZZZ", "XXX", "", 840, None):
        yield bad(422, "admin", "POST", PRODUCTS, {**PRODUCT, "price": {"amount_minor": 1, "currency": currency}})
    for field, value in (
        ("sku", "a b"),
        ("sku", "../x"),
        ("sku", "x" * 65),
        ("name", "  "),
        ("name", "x" * 201),
        ("description", "x" * 5001),
        ("category", "!!!"),
        ("vendor_id", "usr_x"),
        ("stock", {"warehouse": "east", "quantity": 0}),
        ("stock", {"warehouse": "east", "quantity": -5}),
        ("stock", {"warehouse": "east", "quantity": 10**12}),
        ("stock", {"warehouse": "<b>", "quantity": 1}),
        ("stock", [{"warehouse": "east", "quantity": 1}] * 2),
        *((field, card) for field in ("name", "description", "sku", "category") for card in CARDS),
    ):
        yield bad(422, "admin", "POST", PRODUCTS, {**PRODUCT, field: value})
    yield bad(422, "admin", "PUT", PRODUCTS + "/{product_id}", {**PRODUCT, "sku": "{sku}", "name": CARD})
    for quantity in (0, -1, 1_000_001, 10**30, 1.5, "1", None):
        receipt = {"warehouse": "east", "quantity": quantity}
        yield bad(422, "admin", "POST", "/api/v1/inventory/{sku}/receipts", receipt)
    for warehouse in ("EAST", "", "x" * 41, "a b", 7, CARD):
        yield bad(422, "admin", "POST", "/api/v1/inventory/{sku}/receipts", {"warehouse": warehouse, "quantity": 1})


def people() -> Iterator[Bad]:
    profile = "/api/v1/users/{user_id}"
    for name in ("", " ", "a\nb", "x" * 201, 7, None, *CARDS):
        yield bad(422, "customer", "PUT", profile, {"name": name})
    lists: tuple[Any, ...] = ([ADDRESS] * 21, [{**ADDRESS, "line1": CARD}], [{}], "home")
    for addresses in lists:
        yield bad(422, "customer", "PUT", profile, {"name": "Ada", "addresses": addresses})
    for extra in ("role", "email", "id", "password_hash"):
        yield bad(422, "customer", "PUT", profile, {"name": "Ada", extra: "admin"})
    yield bad(412, "customer", "PUT", profile, {"name": "Late"}, {"if-match": '"stale"'})
    yield bad(412, "admin", "PUT", f"{profile}/role", {"role": "vendor"}, {"if-match": '"stale"'})
    for role in ("emperor", "", None, ["admin"], CARD):
        yield bad(422, "admin", "PUT", f"{profile}/role", {"role": role})
    for field, value in (
        ("email", "nobody"),
        ("email", "a@b@plaza.example"),
        ("email", "x'; DROP TABLE users;--@plaza.example"),
        ("email", "a" * 250 + "@plaza.example"),
        ("email", None),
        ("password", "x" * 11),
        ("password", "x" * 129),
        ("password", 123456789012),
        ("password", f"secret {CARD}"),
        ("name", CARD),
        ("role", "admin"),
    ):
        yield bad(422, "nobody", "POST", "/auth/register", {**ACCOUNT, field: value})
    yield bad(401, "nobody", "POST", "/auth/login", {"email": "bad@plaza.example", "password": "' OR '1'='1"})
    for token, status in (("' OR 1=1", 401), ("a.b", 401), ("x" * 201, 422), (7, 422), (None, 422)):
        yield bad(status, "nobody", "POST", "/auth/refresh", {"refresh_token": token})


def lists() -> Iterator[Bad]:
    paged = {
        "customer": (ORDERS, "/api/v1/notifications"),
        "admin": tuple(f"/api/v1/audit/{what}" for what in ("orders", "stock", "reservations", "payments")),
        "nobody": (PRODUCTS,),
    }
    broken = (
        "%25",
        "!!",
        "A",
        "____",
        cursor("-1"),
        cursor("9" * 19),
        cursor("1e5"),
        cursor("1.5.7"),
        cursor("' OR 1"),
    )
    for who, paths in paged.items():
        for path in paths:
            for text in broken:
                yield bad(400, who, "GET", f"{path}?cursor={text}")
            yield bad(422, who, "GET", f"{path}?cursor={'x' * 501}")
            for limit in ("0", "101", "-1", "1.5", "many", "9" * 40, "%00"):
                yield bad(422, who, "GET", f"{path}?limit={limit}")
    for query in ("min_price=-1", "max_price=1e9", f"min_price={'9' * 30}", "sort=evil", f"q={'x' * 501}", f"q={CARD}"):
        yield bad(422, "nobody", "GET", f"{PRODUCTS}?{query}")
    yield bad(422, "customer", "GET", f"{ORDERS}/{CARD}")

"""A shopper's client of the public API, for tests: what a mobile app would do, with the waiting written once."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from yarl import URL

T = TypeVar("T")

ADDRESS = {"name": "Ada Byron", "line1": "1 Long Way", "city": "York", "postal_code": "YO1", "country": "GB"}
FINAL = ("paid", "cancelled")
PASSWORD = "correct horse battery"
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.5


class Answer:
    """Status, headers and decoded body of one answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def retry_after_seconds(self) -> float | None:
        values = [value for name, value in self.headers.items() if name.lower() == "retry-after"]
        return float(values[0]) if values else None

    def expect(self, status: int) -> Any:
        """The decoded body (None when there is none); fails with the whole answer when the status is another."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:2000]!r}"
        return json.loads(self.body) if self.body else None

    def problem(self, status: int) -> dict[str, Any]:
        """The problem+json of an error answer."""
        problem: dict[str, Any] = self.expect(status)
        assert self.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == status
        assert {"type", "title", "detail", "instance"} <= set(problem)
        return problem


class Client:
    """One user, or a guest, of the gateway at `url`."""

    def __init__(self, url: str) -> None:
        self.url, self.token, self.refresh_token, self.user_id, self.email = url, "", "", "", ""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Answer:
        """One request; header names are written with underscores (`if_match`)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = self.token if token is None else token
        if bearer:
            sent["authorization"] = f"Bearer {bearer}"
        async with self._session.request(method, self.url + path, json=body, headers=sent) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """One request whose body and headers are what they are, but for this user's token."""
        sent = {"authorization": f"Bearer {self.token}", **headers} if self.token else headers
        async with self._session.request(
            method, URL(self.url + path, encoded=True), data=body, headers=sent
        ) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def register(self) -> None:
        """Become a new customer and log in. Another one where the shop was too busy, since nobody knows whether it made the first."""

        async def ask() -> Answer:
            self.email = f"shopper-{uuid.uuid4().hex[:12]}@plaza.example"
            account = {"email": self.email, "password": PASSWORD, "name": "Ada Byron"}
            return await self.call("POST", "/auth/register", account)

        self.user_id = (await patiently(ask)).expect(201)["id"]
        await self.login(self.email, PASSWORD)

    async def login(self, email: str, password: str) -> None:
        credentials = {"email": email, "password": password}
        tokens = (await patiently(lambda: self.call("POST", "/auth/login", credentials))).expect(200)
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    async def fill_cart(self, product_id: str, quantity: int) -> dict[str, Any]:
        path, body = f"/api/v1/cart/items/{product_id}", {"quantity": quantity}
        cart: dict[str, Any] = (await patiently(lambda: self.call("PUT", path, body))).expect(200)
        return cart

    async def place(self, token: str = "tok_visa", *, key: str = "", **headers: str) -> Answer:
        body = {"payment": {"provider": "sandbox", "token": token}, "shipping_address": ADDRESS}
        return await self.call("POST", "/api/v1/orders", body, idempotency_key=key or uuid.uuid4().hex, **headers)

    async def place_patiently(self) -> Answer:
        """`place`, again under the same key as the shop says while it is too busy."""
        key = uuid.uuid4().hex
        return await patiently(lambda: self.place(key=key))

    async def order(self, order_id: str) -> dict[str, Any]:
        order: dict[str, Any] = (await self._read(f"/api/v1/orders/{order_id}")).expect(200)
        return order

    async def follow(self, order_id: str, *statuses: str, seconds: float = 60) -> dict[str, Any]:
        """The order once it is in one of `statuses` (paid or cancelled unless given)."""
        return await eventually(
            lambda: self.order(order_id), lambda order: order["status"] in (statuses or FINAL), seconds=seconds
        )

    async def stock(self, sku: str) -> dict[str, Any]:
        stock: dict[str, Any] = (await self._read(f"/api/v1/inventory/{sku}")).expect(200)
        return stock

    async def new_product(
        self, *, quantity: int = 10, price_minor: int = 1250, name: str = "Fountain pen"
    ) -> dict[str, Any]:
        """As an admin: a product of its own with stock in the warehouse `east`; another one where the shop was too busy."""
        body = {
            "name": name,
            "description": "Made for a test.",
            "category": "stationery",
            "price": {"amount_minor": price_minor, "currency": "USD"},
        }

        async def ask() -> Answer:
            return await self.call("POST", "/api/v1/products", {**body, "sku": f"T-{uuid.uuid4().hex[:12].upper()}"})

        product: dict[str, Any] = (await patiently(ask)).expect(201)
        path, receipt = f"/api/v1/inventory/{product['sku']}/receipts", {"warehouse": "east", "quantity": quantity}
        key = uuid.uuid4().hex
        (await patiently(lambda: self.call("POST", path, receipt, idempotency_key=key))).expect(201)
        return product

    async def _read(self, path: str) -> Answer:
        return await patiently(lambda: self.call("GET", path))


async def patiently(ask: Callable[[], Awaitable[Answer]], *, seconds: float = 60) -> Answer:
    """The first answer that does not say when to come again: a shop with more to do than it can says so. The last one after `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while (pause_seconds := (answer := await ask()).retry_after_seconds) is not None and loop.time() < deadline:
        await asyncio.sleep(pause_seconds)
    return answer


async def eventually(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], *, seconds: float = 60) -> T:
    """What `look` sees once it `holds`; fails with the last look after `seconds`. Looks ever more rarely."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause_seconds = SHORTEST_PAUSE_SECONDS
    while True:
        seen = await look()
        if holds(seen):
            return seen
        assert loop.time() < deadline, f"still not so after {seconds} s: {seen!r}"
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 1.2, LONGEST_PAUSE_SECONDS)

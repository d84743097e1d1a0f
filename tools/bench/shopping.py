"""What customers do to the shop while it is measured: read, search, fill carts, and order until they are told `paid`."""

import asyncio
import json
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.catalog.domain import Product
from apps.users.domain import User
from tools.bench.client import Http, UnexpectedAnswer
from tools.bench.stage import ADJECTIVES, NOUNS, Stage
from tools.local.shopper import ADDRESS, SETTLED

LINES = 2
KEY_IN_FLIGHT = "/problems/key-in-flight"
BUSY_SECONDS = 1.0
LOOK_AFTER, LOOK_AGAIN_SECONDS = 1.1, 0.15
"""When a shopper looks first, in times of what it took lately, and how often after that."""

PLACE = {"payment": {"provider": "sandbox", "token": "tok_visa"}, "shipping_address": ADDRESS}


class Shoppers:
    """Accounts at one shop. Each fills a cart and orders it; `ends` counts how the orders ended, `busy` how often the shop
    was too busy to answer about one and was asked again."""

    def __init__(self, http: Http, stage: Stage, users: Sequence[User], products: Sequence[Product]) -> None:
        self._http, self._stage, self._users, self._products = http, stage, users, products
        self._bearers: list[str] = []
        self._dice = random.Random(7)
        self._recent_seconds: deque[float] = deque([0.3], maxlen=20)
        self.ends: Counter[str] = Counter()
        self.busy = 0

    async def renew(self) -> None:
        """New access tokens for all."""
        self._bearers = [await self._stage.bearer(user) for user in self._users]

    async def read_product(self, _: int) -> None:
        await self._http.ask("GET", f"/api/v1/products/{self._dice.choice(self._products).id}")

    async def list_products(self, number: int) -> None:
        sort = ("newest", "price", "-price", "name")[number % 4]
        await self._http.ask("GET", f"/api/v1/products?limit=20&sort={sort}&category=shelf-{number // 4 % 20}")

    async def search(self, _: int) -> None:
        """Two words, one of them with a typo, below a price that nobody else names: no answer can have been kept. Facets come with each."""
        noun = self._dice.choice(NOUNS).lower()
        at = self._dice.randrange(1, len(noun) - 1)
        words = f"{self._dice.choice(ADJECTIVES).lower()}+{noun[:at]}{noun[at + 1 :]}"
        price = self._dice.randrange(10**6, 10**9)
        await self._http.ask("GET", f"/api/v1/products?limit=20&q={words}&max_price={price}")

    async def add_to_cart(self, number: int) -> None:
        """One item into the cart of the next account, two lines after two rounds."""
        product = self._products[number % len(self._products)]
        await self._put(number % len(self._users), product.id)

    async def fill_cart(self, number: int, products: Sequence[Product], lines: int) -> None:
        """So many lines of different products for the account of that number."""
        for line in range(lines):
            await self._put(number, products[(number * lines + line) % len(products)].id)

    async def empty_cart(self, number: int) -> None:
        await self._http.ask("DELETE", "/api/v1/cart", expect=(204,), bearer=self._bearers[number])

    async def check_out(self, number: int) -> float:
        """Orders the cart of that account and follows it; the ms from the request to the end, as the order's own timeline has it."""
        bearer = self._bearers[number]
        began, sent_at = time.perf_counter(), time.time()
        order, etag = await self._place(bearer), ""
        usual = sum(self._recent_seconds) / len(self._recent_seconds)
        await asyncio.sleep(LOOK_AFTER * usual)
        while order["status"] not in SETTLED:
            headers = {"If-None-Match": etag} if etag else {}
            status, content, answered = await self._http.ask(
                "GET", f"/api/v1/orders/{order['id']}", expect=(200, 304, 503), bearer=bearer, headers=headers
            )
            self.busy += status == 503
            if status == 200:
                order, etag = json.loads(content), answered.get("etag", "")
            if order["status"] not in SETTLED:
                await asyncio.sleep(max(LOOK_AGAIN_SECONDS, 0.2 * usual))
        self.ends[_end(order)] += 1
        self._recent_seconds.append(_settled_at(order) - sent_at)
        return 1000 * min(_settled_at(order) - sent_at, time.perf_counter() - began)

    async def _place(self, bearer: str) -> dict[str, Any]:
        """The order of the cart; asked for again under its key while the shop has too many before it."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        while True:
            status, content, _ = await self._http.ask(
                "POST", "/api/v1/orders", PLACE, expect=(202, 409, 503), bearer=bearer, headers=headers
            )
            answer: dict[str, Any] = json.loads(content)
            if status == 202:
                return answer
            if status == 409 and answer["type"] != KEY_IN_FLIGHT:
                raise UnexpectedAnswer(f"an order was refused: {answer}")
            self.busy += 1
            await asyncio.sleep(BUSY_SECONDS)

    async def _put(self, number: int, product_id: str) -> None:
        path = f"/api/v1/cart/items/{product_id}"
        await self._http.ask("PUT", path, {"quantity": 1}, bearer=self._bearers[number])


def _settled_at(order: dict[str, Any]) -> float:
    moment = next(entry["at"] for entry in order["timeline"] if entry["status"] in SETTLED)
    return datetime.fromisoformat(moment).timestamp()


def _end(order: dict[str, Any]) -> str:
    return str(order["failure"]["code"] if order.get("failure") else order["status"])

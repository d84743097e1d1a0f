"""The catalog against its real sidecar, PostgreSQL and Redis: products, search, two replicas, a kill, and a race in the cache."""

import asyncio
import os
import random
import socket
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import psutil
import pytest

from apps.catalog.cache import DaprProductCache
from apps.catalog.domain import Product
from apps.catalog.ports import CachedProduct
from apps.shared.money import Money
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.identity import ADMIN, ROLE_HEADER, USER_ID_HEADER
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.state import StateStore
from tests.support.client import Answer, Client, eventually

PRODUCTS = "/api/v1/products"


def new_body(**fields: Any) -> dict[str, Any]:
    body = {
        "sku": f"C-{uuid.uuid4().hex[:12].upper()}",
        "name": "Brass Telescope",
        "description": "Made for a test.",
        "category": "optics",
        "price": {"amount_minor": 45_000, "currency": "USD"},
    }
    return {**body, **fields}


def new_word() -> str:
    """A word that no other product has."""
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=14))


def header(answer: Answer, name: str) -> str:
    """Sidecars spell header names in a way of their own."""
    return next(value for key, value in answer.headers.items() if key.lower() == name.lower())


async def create(client: Client, **fields: Any) -> dict[str, Any]:
    product: dict[str, Any] = (await client.call("POST", PRODUCTS, new_body(**fields))).expect(201)
    return product


async def test_the_life_of_a_product(admin: Client, shopper: Client) -> None:
    stock = [{"warehouse": "east", "quantity": 5}, {"warehouse": "west", "quantity": 2}]
    body = new_body(stock=stock, description='"Sees far",\nsays the C:\\captain.')
    created = await admin.call("POST", PRODUCTS, body)
    product = created.expect(201)
    path = f"{PRODUCTS}/{product['id']}"
    assert header(created, "Location") == path
    assert (product["sku"], product["description"], product["available"]) == (body["sku"], body["description"], 7)
    (await admin.call("POST", PRODUCTS, body)).problem(409)

    read = await shopper.call("GET", path)
    assert read.expect(200) == product
    etag = header(read, "ETag")
    assert (await shopper.call("GET", path, if_none_match=etag)).status == 304

    change = {"name": "Brass Spyglass", "category": "optics", "price": {"amount_minor": 39_900, "currency": "USD"}}
    changed = await admin.call("PUT", path, change, if_match=etag)
    assert changed.expect(200)["price"]["amount_minor"] == 39_900
    (await admin.call("PUT", path, change, if_match=etag)).problem(412)
    assert (await shopper.call("GET", path)).expect(200)["name"] == "Brass Spyglass"

    (await shopper.call("PUT", path, change)).problem(403)
    (await shopper.call("DELETE", path)).problem(403)
    (await admin.call("DELETE", path)).expect(204)
    (await shopper.call("GET", path)).problem(404)
    (await admin.call("DELETE", path)).problem(404)
    (await admin.call("POST", PRODUCTS, body)).expect(201)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sku": "a b"},
        {"name": "  "},
        {"category": "!!"},
        {"price": {"amount_minor": 0, "currency": "USD"}},
        {"price": {"amount_minor": 19.5, "currency": "USD"}},
        {"stock": [{"warehouse": "east", "quantity": 1}, {"warehouse": "east", "quantity": 1}]},
        {"colour": "red"},
    ],
)
async def test_what_is_not_a_product_is_refused(admin: Client, wrong: dict[str, Any]) -> None:
    assert (await admin.call("POST", PRODUCTS, new_body(**wrong))).problem(422)["errors"]


async def test_searching_with_typos_filters_and_facets(admin: Client, shopper: Client) -> None:
    word = new_word()
    for number in range(6):
        category = f"{word[:8]}-{'odd' if number % 2 else 'even'}"
        price = {"amount_minor": 1_000 * (number + 1), "currency": "USD"}
        await create(admin, name=f"{word} {number}", category=category, price=price)

    async def search(query: str) -> dict[str, Any]:
        page: dict[str, Any] = (await shopper.call("GET", f"{PRODUCTS}?{query}")).expect(200)
        return page

    page = await eventually(
        lambda: search(f"q={word[1:]}&sort=price&limit=4"), lambda found: bool(found["total"] == 6), seconds=3
    )
    assert [item["price"]["amount_minor"] for item in page["items"]] == [1_000, 2_000, 3_000, 4_000]
    assert [(facet["value"], facet["count"]) for facet in page["facets"]["categories"]] == [
        (f"{word[:8]}-even", 3),
        (f"{word[:8]}-odd", 3),
    ]
    rest = await search(f"q={word[1:]}&sort=price&limit=4&cursor={page['next_cursor']}")
    assert [item["price"]["amount_minor"] for item in rest["items"]] == [5_000, 6_000]
    assert (rest["next_cursor"], rest["total"]) == (None, 6)
    narrow = await search(f"q={word}&category={word[:8]}-odd&min_price=2001&max_price=6000")
    assert [item["price"]["amount_minor"] for item in narrow["items"]] == [6_000, 4_000]
    (await shopper.call("GET", f"{PRODUCTS}?sort=name&cursor={page['next_cursor']}")).problem(400)
    (await shopper.call("GET", f"{PRODUCTS}?cursor=nonsense")).problem(400)
    categories = (await shopper.call("GET", "/api/v1/categories")).expect(200)["items"]
    assert {"slug": f"{word[:8]}-odd", "name": f"{word[:8].title()} Odd", "product_count": 3} in categories


@pytest.mark.parametrize(
    "text", ["%22", "a%3Ab*", "%00", "%F0%9F%98%80", "%C3%A9" * 250, "OR%20AND%20(", "%5C", "%5B1%20TO"]
)
async def test_odd_searches_are_answered(shopper: Client, text: str) -> None:
    (await shopper.call("GET", f"{PRODUCTS}?q={text}")).expect(200)


async def test_a_walk_through_all_pages_sees_each_product_once_while_others_are_added(admin: Client) -> None:
    word = new_word()
    ids = [(await create(admin, name=word))["id"] for _ in range(25)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await admin.call("GET", f"{PRODUCTS}?q={word}&limit=4{cursor}")).expect(200)
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
        await create(admin, name=word)
    assert len(seen) == len(set(seen))
    assert set(ids) <= set(seen)


class SecondReplica:
    """Another process of the catalog, beside the first one's sidecar."""

    def __init__(self, run_json: dict[str, Any]) -> None:
        app = psutil.Process(run_json["apps"]["catalog"]["app_pid"])
        self._command, self._directory = app.cmdline(), app.cwd()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._environment = {**app.environ(), "APP_PORT": str(self.port)}
        self.token = self._environment.get("APP_API_TOKEN", "")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture
def second(run_json: dict[str, Any]) -> Iterator[SecondReplica]:
    replica = SecondReplica(run_json)
    replica.start()
    yield replica
    replica.kill()


class Direct:
    """Calls one replica itself, as its sidecar would."""

    def __init__(self, http: aiohttp.ClientSession, port: int, token: str) -> None:
        self._http, self._url = http, f"http://127.0.0.1:{port}"
        self._headers = {"dapr-api-token": token, USER_ID_HEADER: "usr_test", ROLE_HEADER: ADMIN}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._http.request(method, self._url + path, json=body, headers=self._headers) as response:
            return response.status, await response.json(content_type=None)

    async def find(self, word: str) -> set[str]:
        """The ids of all products that have the word."""
        found: set[str] = set()
        cursor = ""
        while True:
            _, page = await self.call("GET", f"{PRODUCTS}?q={word}&limit=100{cursor}")
            found |= {item["id"] for item in page["items"]}
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def ready(self) -> bool:
        try:
            return (await self.call("GET", "/ready"))[0] == 200
        except aiohttp.ClientError:
            return False


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.mark.replicates("catalog")
async def test_two_replicas_agree_also_after_one_was_killed_while_writing(
    run_json: dict[str, Any], second: SecondReplica, http: aiohttp.ClientSession
) -> None:
    left = Direct(http, run_json["apps"]["catalog"]["app_port"], second.token)
    right = Direct(http, second.port, second.token)
    await eventually(right.ready, bool)
    word = new_word()
    status, product = await right.call("POST", PRODUCTS, new_body(name=word))
    assert status == 201
    assert await right.find(word) == {product["id"]}
    await eventually(lambda: left.find(word), lambda found: found == {product["id"]}, seconds=2)
    await left.call("DELETE", f"{PRODUCTS}/{product['id']}")
    assert await left.find(word) == set()
    assert (await right.call("GET", f"{PRODUCTS}/{product['id']}"))[0] == 404
    await eventually(lambda: right.find(word), lambda found: found == set(), seconds=2)

    word, acknowledged = new_word(), set[str]()

    async def write() -> None:
        try:
            while True:
                status, product = await right.call("POST", PRODUCTS, new_body(name=word))
                assert status == 201
                acknowledged.add(product["id"])
        except aiohttp.ClientError:
            return

    async def kill() -> None:
        await asyncio.sleep(1)
        second.kill()

    await asyncio.gather(kill(), *(write() for _ in range(4)))
    second.start()
    await eventually(right.ready, bool)
    assert acknowledged
    assert acknowledged <= await right.find(word)
    assert await left.find(word) == await right.find(word)


async def test_the_newest_copy_wins_every_race_in_the_cache(run_json: dict[str, Any], api_token: str) -> None:
    port = run_json["apps"]["catalog"]["dapr_http_port"]
    sidecar = Sidecar(port=port, token=api_token)
    cache = DaprProductCache(StateStore(sidecar, os.environ.get("CATALOG_CACHE_STORE", "cache")))
    now, ids = SystemClock().now(), TimeOrderedIds()
    try:
        for _ in range(30):
            product = Product(ids.new("prd"), "S", "n", "", "c", Money(1, "USD"), "usr_v", now, now)
            copies = [CachedProduct(version, product) for version in range(1, 7)]
            random.shuffle(copies)
            await asyncio.gather(*(cache.replace(product.id, copy) for copy in copies))
            assert await cache.find_many([product.id]) == {product.id: CachedProduct(6, product)}
    finally:
        await sidecar.close()

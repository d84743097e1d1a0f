"""A shop that was stopped is moved from PostgreSQL to etcd, and everything that its customers and its owner could see is there."""

import asyncio
import base64
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import LEAN_ENVIRONMENT
from tests.support.client import PASSWORD, Client, eventually
from tests.support.shops import STACK, WORDS, new_home
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.postgres import BIN
from tools.local.processes import ProcessTable
from tools.local.run_file import offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home
from tools.migrate.move import Move, moved

pytestmark = [
    pytest.mark.looks_into(state="postgres"),
    pytest.mark.skipif(bool(STACK.own), reason="a shop whose apps have stores of their own is not moved"),
    pytest.mark.timeout(300),
]

REST = tuple(word for word in WORDS if not word.startswith("STATE="))
LEFT_BEHIND = re.compile(r".*\|\|(sole-writer|family/.*|dapr\.internal\..*|CartActor\|\|crt_.*)")
"""What docs/components.md says is not moved: leases, sessions, what is known of workflows that have ended, guests' carts."""

BOUGHT, RECEIVED = 2, 20


@dataclass
class Story:
    """What was done before the move, and what was seen then: by user and path, the status and the body."""

    product: dict[str, Any] = field(default_factory=dict)
    key: str = "the-only-one"
    order_id: str = ""
    shopper: tuple[str, str, str] = ("", "", "")
    keys: set[str] = field(default_factory=set)
    seen: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)


async def look(admin: Client, shopper: Client, paths: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, Any]]:
    clients = {"admin": admin, "shopper": shopper}
    answers = {(who, path): await clients[who].call("GET", path) for who, path in paths}
    return {place: (answer.status, answer.json) for place, answer in answers.items()}


async def live(shop: Shop, story: Story) -> None:
    """Some of everything that a shop stores."""
    running = json.loads(shop.home.run_json.read_text())
    async with (
        Client(shop.gateway_url) as admin,
        Client(shop.gateway_url) as shopper,
        Client(shop.gateway_url) as guest,
    ):
        await admin.login(running["admin"]["email"], running["admin"]["password"])
        await shopper.register()
        story.product = product = await admin.new_product(quantity=RECEIVED)
        gone = await admin.new_product()
        (await admin.call("DELETE", f"/api/v1/products/{gone['id']}")).expect(204)
        receipt = {"warehouse": "west", "quantity": 3}
        path = f"/api/v1/inventory/{product['sku']}/receipts"
        (await admin.call("POST", path, receipt, idempotency_key=story.key)).expect(201)

        orders = []
        for token, key in (("tok_visa", story.key), ("tok_chargeDeclined", ""), ("tok_visa", "")):
            await shopper.fill_cart(product["id"], BOUGHT)
            orders.append((await shopper.place(token, key=key)).expect(202)["id"])
            await shopper.follow(orders[-1])
        story.order_id = orders[0]
        (await admin.call("POST", f"/api/v1/orders/{orders[2]}/ship")).expect(200)
        await shopper.fill_cart(product["id"], 5)
        await guest.fill_cart(product["id"], 1)

        async def under_way() -> int:
            page = (await admin.call("GET", "/api/v1/audit/orders?limit=100")).expect(200)
            messages = (await shopper.call("GET", "/api/v1/notifications?limit=100")).expect(200)["items"]
            running = sum(item["workflow"]["running"] or item["cancellation"]["running"] for item in page["items"])
            unsold = 2 * BOUGHT - (await admin.stock(product["sku"]))["sold"]
            return int(running) + abs(len(messages) - 6) + int(unsold)

        await eventually(under_way, lambda count: count == 0)
        paths = [("shopper", f"/api/v1/orders/{order_id}") for order_id in orders]
        paths += [("shopper", path) for path in ("/api/v1/orders", "/api/v1/cart", "/api/v1/notifications?limit=100")]
        paths += [("shopper", f"/api/v1/users/{shopper.user_id}"), ("admin", f"/api/v1/inventory/{product['sku']}")]
        paths += [("admin", f"/api/v1/products/{one['id']}") for one in (product, gone)]
        paths += [("admin", f"/api/v1/audit/{one}?limit=100") for one in ("stock", "payments", "reservations")]
        story.seen = await look(admin, shopper, paths)
        story.shopper = (shopper.email, shopper.token, shopper.refresh_token)


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    home = new_home("move")
    yield home
    assert ProcessTable(home.root).list_marked() == []
    delete_home(home)


@pytest.fixture(scope="module")
def move(home: Home) -> Move:
    return Move(home, "postgres", "etcd", REST, offset_of_another_shop())


@pytest.fixture(scope="module")
def story(move: Move) -> Story:
    """A shop on the first store, which has stopped."""
    story = Story()
    words = (*REST, f"STATE={move.source}")
    with Shop(
        move.home, progress=print, port_offset=move.port_offset, environment=LEAN_ENVIRONMENT, words=words
    ) as shop:
        asyncio.run(live(shop, story))
        query = "SELECT key FROM state UNION ALL SELECT key FROM private_state"
        command = [str(BIN / "psql"), "-h", str(move.home.postgres_socket_directory), "-U", "postgres", "-Atc", query]
        keys = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.splitlines()
        story.keys = {key for key in keys if not LEFT_BEHIND.fullmatch(key)}
    return story


@pytest.fixture
def shop(move: Move, story: Story) -> Iterator[Shop]:
    """The same shop on the second store."""
    with moved(move, progress=print, environment=LEAN_ENVIRONMENT) as shop:
        yield shop


def etcd_keys(shop: Shop) -> set[str]:
    port = json.loads(shop.home.run_json.read_text())["backends"]["etcd-1"]["port"]
    first, end = (base64.b64encode(key).decode() for key in (b"plaza", b"plazb"))
    body = json.dumps({"key": first, "range_end": end, "keys_only": True}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v3/kv/range", data=body, timeout=10) as answer:
        found = [base64.b64decode(row["key"]).decode() for row in json.load(answer)["kvs"]]
    return {key.partition("/")[2] for key in found}


async def test_the_moved_shop_is_the_same_shop(shop: Shop, story: Story) -> None:
    running = json.loads(shop.home.run_json.read_text())
    email, token, refresh_token = story.shopper
    assert story.keys - etcd_keys(shop) == set()

    async with Client(shop.gateway_url) as admin, Client(shop.gateway_url) as shopper:
        await admin.login(running["admin"]["email"], running["admin"]["password"])
        await shopper.login(email, PASSWORD)
        assert (await shopper.call("GET", "/api/v1/cart", token=token)).status == 200
        assert (await shopper.call("POST", "/auth/refresh", {"refresh_token": refresh_token})).status == 401

        async def differing() -> dict[tuple[str, str], Any]:
            seen = await look(admin, shopper, list(story.seen))
            return {place: (story.seen[place], answer) for place, answer in seen.items() if answer != story.seen[place]}

        await eventually(differing, lambda differ: not differ, seconds=10)

        again = (await shopper.place(key=story.key)).expect(202)
        assert again["id"] == story.order_id
        receipt = {"warehouse": "west", "quantity": 3}
        path = f"/api/v1/inventory/{story.product['sku']}/receipts"
        stock = (await admin.call("POST", path, receipt, idempotency_key=story.key)).expect(201)
        assert stock["on_hand"] == RECEIVED + 3 - 2 * BOUGHT

        order = (await shopper.place()).expect(202)
        assert (await shopper.follow(order["id"]))["status"] == "paid"
        stock = await eventually(
            lambda: admin.stock(story.product["sku"]), lambda stock: stock["sold"] == 2 * BOUGHT + 5
        )
        assert stock["on_hand"] == RECEIVED + 3 - stock["sold"]


def test_a_store_that_is_not_empty_is_not_overwritten(move: Move, story: Story) -> None:
    back = Move(move.home, "etcd", "postgres", REST, move.port_offset)
    with (
        pytest.raises(LocalError, match="STATE=postgres is not empty: users has documents there"),
        moved(back, progress=print),
    ):
        pass

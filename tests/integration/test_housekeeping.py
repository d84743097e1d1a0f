"""Storage per order stays flat: once their time is over, orders have left just the records that are kept, and nothing else."""

import base64
import json
import socket
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import LEAN_ENVIRONMENT, RunningShop
from tests.support.client import Client, eventually
from tests.support.shops import new_home, running_shop
from tools.local.postgres import BIN
from tools.local.variant import vary

pytestmark = pytest.mark.looks_into(state="postgres", pubsub="redis")

ORDERS = 8
NODE_EVENTS = 100  # Redis trims whole nodes of a stream
KEPT = {
    "orders||order": 1,
    "orders||attempt": 1,
    "payments||payment": 1,
    "payments||sandbox": 1,
    "inventory||reservation": 1,
    "notifications||message": 2,
}
"""Rows by kind for each paid order. Journals, with a row for many orders, and the cursors of sweeps, one each, stand apart."""


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A shop of its own, which forgets in seconds what others keep for hours."""
    source = vary(
        tmp_path_factory.mktemp("project"),
        {
            "config/apps/*.yaml": (r"completed: 1h", "completed: 3s"),
            "components/pubsub-redis/*.yaml": (r"value: 168h", "value: 2s"),
        },
    )
    home = new_home("keep")
    with running_shop(request.session, home, environment=LEAN_ENVIRONMENT, source=source):
        yield RunningShop(home, json.loads(home.run_json.read_text()))


@pytest.fixture(scope="module")
def run_json(shop: RunningShop) -> dict[str, Any]:
    return shop.run_json


@pytest.fixture(scope="module")
def shop_url(run_json: dict[str, Any]) -> str:
    return str(run_json["gateway_url"])


@pytest.fixture(scope="module")
def api_token(shop: RunningShop) -> str:
    return str(json.loads((shop.home.root / "api-tokens.json").read_text())["DAPR_API_TOKEN"])


def select(shop: RunningShop, query: str) -> list[str]:
    """The first column of what the database of the shop answers."""
    command = [str(BIN / "psql"), "-h", str(shop.home.postgres_socket_directory), "-U", "postgres", "-Atc", query]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.splitlines()


def rows(shop: RunningShop) -> Counter[str]:
    """How many rows there are of each kind: `orders||order`, `checkout||dapr.internal.default.checkout.workflow`."""
    keys = select(shop, "SELECT key FROM state UNION ALL SELECT key FROM private_state")
    return Counter("||".join(key.split("||")[:2]).partition("/")[0] for key in keys)


def workflow_rows(shop: RunningShop) -> int:
    return sum(count for kind, count in rows(shop).items() if "dapr.internal" in kind)


def reminders(shop: RunningShop) -> list[str]:
    """The actors' reminders, workflows' included, that stand in the scheduler's etcd."""
    port = shop.run_json["backends"]["scheduler"]["etcd_client_port"]
    first, end = (base64.b64encode(key).decode() for key in (b"dapr/jobs/actorreminder", b"dapr/jobs/actorremindes"))
    body = json.dumps({"key": first, "range_end": end, "keys_only": True}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v3/kv/range", data=body, timeout=5) as answer:
        return [base64.b64decode(found["key"]).decode() for found in json.load(answer).get("kvs", [])]


def stream_length(shop: RunningShop, topic: str) -> int:
    redis = json.loads(shop.home.secrets.read_text())["redis"]
    host, _, port = redis["host"].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection, connection.makefile("rb") as answers:
        connection.sendall(f"AUTH {redis['password']}\r\nXLEN {topic}\r\n".encode())
        assert answers.readline() == b"+OK\r\n"
        return int(answers.readline().removeprefix(b":"))


async def test_every_order_leaves_the_same_few_rows(admin: Client, shopper: Client, shop: RunningShop) -> None:
    product = await admin.new_product(quantity=2 * ORDERS)

    async def buy() -> None:
        for _ in range(ORDERS):
            await shopper.fill_cart(product["id"], 1)
            order = (await shopper.place()).expect(202)
            assert (await shopper.follow(order["id"]))["status"] == "paid"

    async def settled(orders: int) -> Counter[str]:
        async def look() -> Counter[str]:
            return rows(shop)

        return await eventually(look, lambda found: found["notifications||message"] == 2 * orders)

    await buy()
    before = await settled(ORDERS)
    await buy()
    await settled(2 * ORDERS)

    async def left() -> tuple[int, list[str]]:
        return workflow_rows(shop), reminders(shop)

    await eventually(left, lambda found: found == (0, []), seconds=30)
    grown = {
        kind: count - before[kind]
        for kind, count in rows(shop).items()
        if count != before[kind] and not kind.endswith(("||journal", "||sweep")) and "dapr.internal" not in kind
    }
    assert grown == {kind: count * ORDERS for kind, count in KEPT.items()}
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 2 * ORDERS)
    assert stock["reserved"] == 0


async def test_what_may_be_forgotten_has_an_end(shopper: Client, shop: RunningShop) -> None:
    lives = "SELECT extract(epoch FROM expires_at - coalesce(updated_at, created_at)) / 3600 FROM private_state WHERE key LIKE"
    attempts = select(shop, f"{lives} 'orders||attempt/%'")
    assert {round(float(hours or "inf"), 1) for hours in attempts} == {48.0}
    sessions = select(shop, f"{lives} 'users||family/%'")
    assert {round(float(hours or "inf")) for hours in sessions} == {30 * 24}


async def test_events_are_forgotten_after_a_while(shop: RunningShop, api_token: str) -> None:
    orders = f"http://127.0.0.1:{shop.run_json['apps']['orders']['dapr_http_port']}"
    async with Client(orders) as sidecar:

        async def publish() -> int:
            answer = await sidecar.call("POST", "/v1.0/publish/pubsub/forgotten", {}, dapr_api_token=api_token)
            answer.expect(204)
            return stream_length(shop, "forgotten")

        for _ in range(2 * NODE_EVENTS):
            await publish()
        await eventually(publish, lambda length: length < 2 * NODE_EVENTS, seconds=20)

"""An upgrade in mid-flight: sagas that began before it end by the plan they began with, later ones by the new plan."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from apps.shared.platform.workflows import STALLED
from tests.conftest import LEAN_ENVIRONMENT
from tests.support.client import PASSWORD, Client, eventually
from tests.support.histories import read_history, steps_of, version_of
from tests.support.processes import killed_app, upgrade_app
from tests.support.shops import WORDS, new_home
from tests.support.upgraded_checkout import PLANS
from tests.support.workflows import Workflows
from tools.local.home import PROJECT, Home
from tools.local.run_file import offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home
from tools.local.variant import vary

PRESENT, UPGRADED = "workflows.checkout.main", "tests.support.upgraded_checkout"
(OLD, OLD_STEPS), (NEW, NEW_STEPS) = (
    (version, [step.activity for step in plan]) for version, plan in list(PLANS.items())[-2:]
)


class Sagas(Workflows):
    """With what they did."""

    def __init__(self, run_json: dict[str, Any], api_token: str) -> None:
        super().__init__(run_json, api_token)
        self._grpc_port = int(psutil.Process(run_json["apps"]["checkout"]["app_pid"]).environ()["DAPR_GRPC_PORT"])

    async def history(self, order_id: str) -> list[Any]:
        """Empty when it was read in the midst of being written."""
        try:
            return await read_history(self._grpc_port, self._api_token, order_id)
        except grpc.aio.AioRpcError:
            return []

    async def wait_until_held(self, order_id: str) -> None:
        """Returns when the saga has reserved, and goes on no further while the payments app is dead."""
        await eventually(lambda: self.history(order_id), lambda events: steps_of(events) == OLD_STEPS[:1])

    async def run_by(self, order_id: str) -> tuple[str, list[str]]:
        """Version and steps of a saga that has ended."""
        await self.ended(order_id)
        events = await eventually(lambda: self.history(order_id), bool)
        return version_of(events), steps_of(events)


@pytest.fixture
def sagas(run_json: dict[str, Any], api_token: str) -> Sagas:
    return Sagas(run_json, api_token)


@pytest.fixture
def checkout(run_json: dict[str, Any]) -> Iterator[None]:
    """The tests after this one find the checkout of this release."""
    yield
    upgrade_app(run_json, "checkout", PRESENT)


async def place(shopper: Client, product: dict[str, Any]) -> str:
    await shopper.fill_cart(product["id"], 1)
    return str((await shopper.place()).expect(202)["id"])


@pytest.mark.timeout(240)
def test_a_shop_that_is_stopped_and_upgraded_ends_its_sagas_by_the_plan_with_which_they_began(tmp_path: Path) -> None:
    home = new_home("upgrade")
    upgraded = vary(tmp_path, {"dapr*.yaml": (re.escape(PRESENT), UPGRADED)})
    # One offset for both: etcd's members keep their ports for ever.
    offset = offset_of_another_shop()
    with shop(home, PROJECT / "dapr.yaml", offset):
        email, product, begun_before = asyncio.run(begin(home))
    with shop(home, upgraded, offset):
        asyncio.run(end(home, email, product, begun_before))
    delete_home(home)


def shop(home: Home, source: Path, offset: int) -> Shop:
    return Shop(home, progress=print, port_offset=offset, environment=LEAN_ENVIRONMENT, source=source, words=WORDS)


@asynccontextmanager
async def scene(home: Home) -> AsyncIterator[tuple[dict[str, Any], Client, Sagas]]:
    running = json.loads(home.run_json.read_text())
    token = json.loads((home.root / "api-tokens.json").read_text())["DAPR_API_TOKEN"]
    sagas = Sagas(running, token)
    async with Client(running["gateway_url"]) as shopper:
        yield running, shopper, sagas


async def begin(home: Home) -> tuple[str, dict[str, Any], list[str]]:
    """Who ordered what: three orders whose sagas have reserved, and wait for payments, which is dead."""
    async with scene(home) as (running, shopper, sagas), Client(running["gateway_url"]) as admin:
        await admin.login(running["admin"]["email"], running["admin"]["password"])
        product = await admin.new_product(quantity=4)
        await shopper.register()
        psutil.Process(running["apps"]["payments"]["app_pid"]).kill()
        orders = [await place(shopper, product) for _ in range(3)]
        for order_id in orders:
            await sagas.wait_until_held(order_id)
        return shopper.email, product, orders


async def end(home: Home, email: str, product: dict[str, Any], begun_before: list[str]) -> None:
    async with scene(home) as (_, shopper, sagas):
        await shopper.login(email, PASSWORD)
        begun_after = await place(shopper, product)
        for order_id in (*begun_before, begun_after):
            assert (await shopper.follow(order_id, seconds=60))["status"] == "paid"
        assert [await sagas.run_by(order_id) for order_id in begun_before] == [(OLD, OLD_STEPS)] * 3
        assert await sagas.run_by(begun_after) == (NEW, NEW_STEPS)


@pytest.mark.usefixtures("checkout")
async def test_after_a_rollback_sagas_of_the_new_plan_wait_for_it_to_come_back(
    admin: Client, shopper: Client, run_json: dict[str, Any], sagas: Sagas
) -> None:
    product = await admin.new_product(quantity=2)
    upgrade_app(run_json, "checkout", UPGRADED)
    with killed_app(run_json, "payments"):
        order_id = await place(shopper, product)
        await sagas.wait_until_held(order_id)
        upgrade_app(run_json, "checkout", PRESENT)
    await eventually(lambda: sagas.status(order_id), lambda status: status == STALLED)
    of_this_release = await place(shopper, product)
    assert (await shopper.follow(of_this_release))["status"] == "paid"
    assert (await shopper.order(order_id))["status"] == "draft"

    upgrade_app(run_json, "checkout", UPGRADED)
    assert (await shopper.follow(order_id))["status"] == "paid"
    assert await sagas.run_by(order_id) == (NEW, NEW_STEPS)
    assert await sagas.run_by(of_this_release) == (OLD, OLD_STEPS)

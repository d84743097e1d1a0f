"""A living shop moves from one broker to another by the words of its command alone, with events under way, and nothing is lost."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import psutil
import pytest

from tests.conftest import LEAN_ENVIRONMENT
from tests.support.client import PASSWORD, Client, eventually
from tests.support.mail import mails_to
from tests.support.shops import new_home
from tools.audit.__main__ import audit
from tools.local.api import Api
from tools.local.home import Home
from tools.local.run_file import offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home

PAID, LATE = 6, 4


def shop(home: Home, *words: str) -> Shop:
    offset = offset_of_another_shop()
    return Shop(home, progress=print, port_offset=offset, environment=LEAN_ENVIRONMENT, words=words)


def running(home: Home) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(home.run_json.read_text())
    return content


async def order(shopper: Client, product_id: str, token: str) -> str:
    await shopper.fill_cart(product_id, 1)
    placed: dict[str, str] = (await shopper.place(token)).expect(202)
    return placed["id"]


@pytest.mark.looks_into(state="postgres", pubsub="redis", secrets="file")
@pytest.mark.timeout(300)
def test_orders_and_events_under_way_survive_the_move_from_redis_to_kafka() -> None:
    home = new_home("move")
    with shop(home, "PUBSUB=redis"):
        email, orders = asyncio.run(fill(running(home)))
    with shop(home, "PUBSUB=kafka"):
        asyncio.run(look_again(home, email, orders))
    delete_home(home)


async def fill(run_json: dict[str, Any]) -> tuple[str, list[str]]:
    """Who ordered, and what: some orders are paid, of which nobody was told since notifications is dead, and some are still under way."""
    async with Client(run_json["gateway_url"]) as admin, Client(run_json["gateway_url"]) as shopper:
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        product = await admin.new_product(quantity=100)
        await shopper.register()
        psutil.Process(run_json["apps"]["notifications"]["app_pid"]).kill()
        paid = [await order(shopper, product["id"], "tok_visa") for _ in range(PAID)]
        for order_id in paid:
            await shopper.follow(order_id, "paid")
        late = [await order(shopper, product["id"], "tok_timeout") for _ in range(LATE)]
        assert {(await shopper.order(order_id))["status"] for order_id in late} & {"draft", "confirmed"}
        return shopper.email, paid + late


async def look_again(home: Home, email: str, orders: list[str]) -> None:
    """Each order is there and ends, each mail comes once, new orders are taken, and the audit finds nothing wrong."""
    run_json = running(home)
    async with Client(run_json["gateway_url"]) as shopper:
        await shopper.login(email, PASSWORD)
        ended = [await shopper.follow(order_id, "paid") for order_id in orders]
        new = await order(shopper, ended[0]["lines"][0]["product_id"], "tok_visa")
        await shopper.follow(new, "paid")
        await eventually(lambda: mails_to(home.mail, email), lambda mails: len(mails) >= 2 * (len(orders) + 1))
        assert len(await mails_to(home.mail, email)) == 2 * (len(orders) + 1)
    api = Api(run_json["gateway_url"]).logged_in(run_json["admin"]["email"], run_json["admin"]["password"])
    report = await asyncio.to_thread(audit, api, grace=timedelta(0))
    assert report.breaches == ()

"""The worker of checkout is killed over and over with orders under way: all of them end, also when its sidecar got stuck.

PLAZA_WORKER_KILLS=40 runs the long form.
"""

import asyncio
import os
import random
import time
from contextlib import AsyncExitStack

import pytest

from tests.support.casualty import Casualties, order_whatever_happens
from tests.support.client import Client

KILLS = int(os.environ.get("PLAZA_WORKER_KILLS", "6"))
ORDERS_A_KILL = 20
ENDED_SECONDS = 60
LIFE_SECONDS = 3.0  # once all is well: a longer life means a shorter wait before the next start


@pytest.mark.timeout(60 + KILLS * (ENDED_SECONDS + 10))
async def test_every_order_ends_however_often_its_worker_is_killed(
    admin: Client, shop_url: str, casualties: Casualties
) -> None:
    product = await admin.new_product(quantity=KILLS * ORDERS_A_KILL)
    chance = random.Random(KILLS)
    print(f"\n{'kill':>4} {'orders':>6} {'paid':>4} {'stuck':>5} {'seconds':>7}")
    async with AsyncExitStack() as stack:
        shoppers = [await stack.enter_async_context(Client(shop_url)) for _ in range(ORDERS_A_KILL)]
        for shopper in shoppers:  # one by one: a password takes a good part of a second of one core
            await shopper.register()
        stuck, seconds = 0, []
        for number in range(1, KILLS + 1):
            await asyncio.gather(*(shopper.fill_cart(product["id"], 1) for shopper in shoppers))
            sidecar = casualties.pid("daprd", "checkout")
            orders = asyncio.gather(*(order_whatever_happens(each, seconds=ENDED_SECONDS) for each in shoppers))
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            old = await casualties.kill("app", "checkout")
            began = time.monotonic()
            statuses = [order["status"] for order in await orders]
            seconds.append(time.monotonic() - began)
            await casualties.new_pid("app", "checkout", old=old)
            await asyncio.sleep(LIFE_SECONDS)
            was_stuck = casualties.pid("daprd", "checkout") != sidecar
            stuck += was_stuck
            print(f"{number:>4} {len(statuses):>6} {statuses.count('paid'):>4} {was_stuck!s:>5} {seconds[-1]:>7.1f}")
            assert statuses == ["paid"] * ORDERS_A_KILL
    print(
        f"{KILLS} kills, {stuck} stuck sidecars, {KILLS * ORDERS_A_KILL} orders, all paid;"
        f" seconds until the last was: median {sorted(seconds)[KILLS // 2]:.1f}, at most {max(seconds):.1f}"
    )
    stock = await admin.stock(product["sku"])
    assert (stock["available"], stock["on_hand"] + stock["sold"]) == (0, KILLS * ORDERS_A_KILL)

"""Lets a storm loose on a running shop that heals itself, and says what it has left of it."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from tools.local.home import Home
from tools.storm.account import Aftermath
from tools.storm.aftermath import Scene, gather
from tools.storm.client import Client
from tools.storm.killer import Killer
from tools.storm.pace import Pace
from tools.storm.plan import Plan, PlannedOrder
from tools.storm.retelling import Reteller
from tools.storm.shopper import Shopper
from tools.storm.stage import Probes, put_on_sale

ENVIRONMENT = {
    "GATEWAY_RATE_PER_MINUTE": "1000000",
    "GATEWAY_AUTH_RATE_PER_MINUTE": "100000",
    "INVENTORY_SWEEP_SCHEDULE": "@every 2s",
    "INVENTORY_HOLD_SECONDS": "0",
    "ORDERS_SWEEP_SCHEDULE": "@every 10s",
    "ORDERS_SWEEP_GRACE_SECONDS": "60",
}
"""What a shop needs to know that is to meet a storm: no limits, and sweeps that look at every hold and order of a while ago."""

PROBES_AT_ONCE = 6
PASSWORDS_AT_ONCE = 3
TELL_SECONDS = 10.0
HEARD_BY_NOBODY, BEGUN_AGAIN = "of which nobody had heard", "began a saga again"  # apps/orders/sweep.py


@dataclass(frozen=True, slots=True)
class Result:
    """What is left, and what it took: `seconds` from the first order to the end of the last one and of the last kill.

    `retold` are events that the storm has told again, `lost` those that the shop has, since nobody had heard them. `begun_again` are
    the sagas that its sweep began anew.
    """

    aftermath: Aftermath
    seconds: float
    retold: int
    lost: int
    begun_again: int
    statuses: Counter[int]


async def storm(home: Home, plan: Plan, *, progress: Callable[[str], None]) -> Result:
    """Raises: client.Unanswered, LocalError when the shop cannot be prepared, or not be asked when all is over."""
    running = json.loads(home.run_json.read_text())
    async with AsyncExitStack() as stack:
        door = asyncio.Semaphore(PASSWORDS_AT_ONCE)

        async def open_client() -> Client:
            return await stack.enter_async_context(Client(running["gateway_url"], door=door))

        admin = await open_client()
        await admin.log_in(running["admin"]["email"], running["admin"]["password"])
        clients = [await open_client() for _ in range(len(plan.orders) + min(PROBES_AT_ONCE, len(plan.kills)))]
        progress(f"{len(clients)} shoppers open their accounts")
        await asyncio.gather(*(client.register() for client in clients))
        products = [
            await put_on_sale(admin, number, quantity) for number, quantity in enumerate((*plan.stock, len(plan.kills)))
        ]
        shoppers = [Shopper(client, [product["id"] for product in products]) for client in clients]
        http = await stack.enter_async_context(aiohttp.ClientSession())
        token = json.loads((home.root / "api-tokens.json").read_text())["DAPR_API_TOKEN"]
        reteller = Reteller(http, sidecar_port=running["apps"]["orders"]["dapr_http_port"], token=token)
        probes = Probes(shoppers[len(plan.orders) :], plan)
        pace = Pace(orders=sum(map(len, plan.orders)), kills=len(plan.kills))
        killer = Killer(home.run_json, probe=probes.order, pace=pace)
        began = time.monotonic()
        await _rage(plan, shoppers, killer, reteller, pace, progress)
        seconds = time.monotonic() - began
        aftermath = await gather(
            Scene(home, admin, clients, [product["sku"] for product in products]),
            planned=pace.orders + pace.kills,
            promises=[promise for shopper in shoppers for promise in shopper.promises],
            kills=killer.records,
            progress=progress,
        )
        statuses = sum((client.statuses for client in clients), Counter[int]())
        return Result(aftermath, seconds, reteller.count, *_mended(home), statuses)


def _mended(home: Home) -> tuple[int, int]:
    log = (home.logs / "orders.log").read_text()
    return log.count(HEARD_BY_NOBODY), log.count(BEGUN_AGAIN)


def longest_seconds(plan: Plan) -> float:
    """After this a storm is broken off; what was not done by then counts as a breach."""
    return 300 + 0.25 * sum(map(len, plan.orders)) + 15 * len(plan.kills)


async def _rage(
    plan: Plan,
    shoppers: Sequence[Shopper],
    killer: Killer,
    reteller: Reteller,
    pace: Pace,
    progress: Callable[[str], None],
) -> None:
    async def shop(shopper: Shopper, orders: Sequence[PlannedOrder], echoes: asyncio.TaskGroup) -> None:
        for number, planned in enumerate(orders):
            await pace.wait_to_order(number / len(orders))
            pace.orders_begun += 1
            order = await shopper.order(planned)
            pace.orders_ended += 1
            if planned.retell and order:
                echoes.create_task(reteller.retell(order, planned.retell))

    async def tell() -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            progress(str(pace))

    telling = asyncio.create_task(tell())
    try:
        async with asyncio.timeout(longest_seconds(plan)), asyncio.TaskGroup() as group:
            for shopper, orders in zip(shoppers, plan.orders, strict=False):
                group.create_task(shop(shopper, orders, group))
            group.create_task(killer.run(plan.kills))
    except TimeoutError:
        progress("the time is over: what was not done by now counts as lost")
    finally:
        telling.cancel()

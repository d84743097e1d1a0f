"""How many checkouts a second a stack does: recorded, never asserted, since the machine decides."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from tests.support.client import Client
from tools.swap.outcome import RATE

SHOPPERS, ORDERS = 8, 12
WARM_UP = 2


async def test_the_rate_of_checkouts_of_eight_shoppers(
    admin: Client, shop_url: str, record_property: Callable[[str, object], None]
) -> None:
    product = await admin.new_product(quantity=SHOPPERS * (WARM_UP + ORDERS))
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(shop_url)) for _ in range(SHOPPERS)]
        for client in clients:
            await client.register()

        async def shop(client: Client, orders: int) -> None:
            for _ in range(orders):
                await client.fill_cart(product["id"], 1)
                order = (await client.place()).expect(202)
                await client.follow(order["id"], "paid")

        await asyncio.gather(*(shop(client, WARM_UP) for client in clients))
        began = time.monotonic()
        await asyncio.gather(*(shop(client, ORDERS) for client in clients))
        record_property(RATE, SHOPPERS * ORDERS / (time.monotonic() - began))

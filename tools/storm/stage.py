"""What stands ready before a storm begins: goods on sale, and the shoppers who probe whether the shop has recovered."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from tools.storm.client import Client
from tools.storm.plan import Plan, PlannedOrder
from tools.storm.shopper import Shopper


class Probes:
    """A few shoppers who each order one unit of the last product when asked to."""

    def __init__(self, shoppers: Sequence[Shopper], plan: Plan) -> None:
        self._plan = plan
        self._idle: asyncio.Queue[Shopper] = asyncio.Queue()
        for shopper in shoppers:
            self._idle.put_nowait(shopper)

    async def order(self, number: int) -> dict[str, Any]:
        """How the probe of that number ended."""
        shopper = await self._idle.get()
        try:
            key = f"probe-{self._plan.seed}-{number}"
            return await shopper.order(PlannedOrder(key, ((len(self._plan.stock), 1),), "tok_visa"))
        finally:
            self._idle.put_nowait(shopper)


async def put_on_sale(admin: Client, number: int, quantity: int) -> dict[str, Any]:
    """A new product with so many units in stock, at least one. Raises: client.Unanswered."""
    body = {
        "sku": f"STORM-{time.time_ns():X}-{number}",
        "name": f"Storm lantern {number}",
        "description": "Made for a storm.",
        "category": "lanterns",
        "price": {"amount_minor": 1000 + 100 * number, "currency": "USD"},
    }
    _, product = await admin.insist("POST", "/api/v1/products", body, until={201})
    receipt = {"warehouse": "east", "quantity": max(1, quantity)}
    await admin.insist("POST", f"/api/v1/inventory/{product['sku']}/receipts", receipt, until={201})
    found: dict[str, Any] = product
    return found

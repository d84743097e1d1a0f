"""Keeps orders and kills side by side, so that a storm neither ends its kills on a quiet shop nor its orders on a healthy one."""

import asyncio
from collections.abc import Callable

LOOK_SECONDS = 0.1
AHEAD_KILLS = 2
BEHIND_SHARE = 0.9
LONGEST_WAIT_SECONDS = 20.0


class Pace:
    """How far `orders` and `kills` have come. The share of the kills done is about the share of the orders begun."""

    def __init__(self, *, orders: int, kills: int) -> None:
        self.orders, self.kills = orders, kills
        self.orders_begun = self.orders_ended = self.kills_done = 0
        self.last_kill = ""

    async def wait_to_order(self, share: float) -> None:
        """Until the kills have come nearly as far as an order at this share of its shopper's orders."""
        await self._until(lambda: self.kills_done + AHEAD_KILLS > int(share * self.kills), seconds=None)

    async def wait_to_kill(self) -> None:
        """Until the orders have come as far as the kills, or after a while if they cannot."""
        needed = BEHIND_SHARE * self.orders * self.kills_done / self.kills
        await self._until(lambda: self.orders_begun >= needed, seconds=LONGEST_WAIT_SECONDS)

    async def _until(self, holds: Callable[[], bool], *, seconds: float | None) -> None:
        waited = 0.0
        while not holds() and (seconds is None or waited < seconds):
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    def __str__(self) -> str:
        told = f"{self.orders_begun} of {self.orders} orders begun, {self.orders_ended} ended"
        return f"{told}; {self.kills_done} of {self.kills} kills, the last: {self.last_kill or 'none yet'}"

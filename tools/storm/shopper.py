"""One shopper in the storm: orders as planned, gives up and asks again, changes the cart meanwhile, cancels, and follows each order."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tools.storm.account import FINAL, Promise
from tools.storm.client import ADDRESS, ANSWER_SECONDS, PAUSE_SECONDS, PERSISTENT_SECONDS, Client, Unanswered
from tools.storm.plan import PlannedOrder

FIRST_LOOK_SECONDS = 0.7
LOOK_SECONDS = 0.5
FOLLOW_SECONDS = 480.0


class Shopper:
    """`product_ids` by product number; `promises` are all that this shopper was told, one for each order."""

    def __init__(self, client: Client, product_ids: Sequence[str]) -> None:
        self.client, self.promises = client, list[Promise]()
        self._product_ids = product_ids

    async def order(self, planned: PlannedOrder) -> dict[str, Any]:
        """Live through one order; how it ended, or as it was last seen. What went wrong stands in its promise."""
        promise = Promise(planned, self.client.email)
        self.promises.append(promise)
        try:
            await self._fill_cart(planned)
            order_id = await self._place_and_edit(planned, promise)
            order = await self._follow(order_id, promise)
            if planned.patience_seconds:
                await self._place(planned, promise, seconds=PERSISTENT_SECONDS)  # a late repeat: still the same order
        except Unanswered as error:
            promise.complaint = str(error)
            return {}
        return order

    async def _fill_cart(self, planned: PlannedOrder) -> None:
        await self.client.insist("DELETE", "/api/v1/cart", until={204})
        for product, quantity in planned.lines:
            await self._put(product, quantity)

    async def _put(self, product: int, quantity: int) -> None:
        path = f"/api/v1/cart/items/{self._product_ids[product]}"
        await self.client.insist("PUT", path, {"quantity": quantity}, until={200})

    async def _place_and_edit(self, planned: PlannedOrder, promise: Promise) -> str:
        async def edit(after_seconds: float) -> None:
            await asyncio.sleep(after_seconds)
            await self._put(planned.lines[0][0], 3)

        async with asyncio.TaskGroup() as both:
            placing = both.create_task(self._place(planned, promise, seconds=PERSISTENT_SECONDS))
            if planned.edit_after_seconds is not None:
                both.create_task(edit(planned.edit_after_seconds))
        return placing.result()

    async def _place(self, planned: PlannedOrder, promise: Promise, *, seconds: float) -> str:
        """Ask under one key until the answer is a 202; the order's id. Raises Unanswered."""
        body = {"payment": {"provider": "sandbox", "token": planned.token}, "shipping_address": ADDRESS}
        loop = asyncio.get_running_loop()
        deadline, patience = loop.time() + seconds, iter(planned.patience_seconds)
        while True:
            status, content = await self.client.ask(
                "POST",
                "/api/v1/orders",
                body,
                headers={"Idempotency-Key": planned.key},
                patience_seconds=next(patience, ANSWER_SECONDS),
            )
            if status == 202:
                order_id = str(content["id"])
                promise.order_ids.add(order_id)
                return order_id
            if status == 401:
                await self.client.log_in()
            elif status == 409 and content["type"] == "/problems/empty-cart":
                # An earlier try died when it had taken the cart and promised nothing: the sweep gives it back, later.
                await self._fill_cart(planned)
            elif loop.time() > deadline or (400 <= status < 500 and status not in (409, 429)):
                raise Unanswered(f"placing an order: {status} {content}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, order_id: str, promise: Promise) -> dict[str, Any]:
        planned = promise.planned
        if planned.cancel_after_seconds is not None:
            await asyncio.sleep(planned.cancel_after_seconds)
            await self._cancel(order_id, promise)
        order = await self._see_the_end(order_id, FINAL)
        if planned.cancel_when_paid and order["status"] == "paid":
            await self._cancel(order_id, promise)
        return await self._see_the_end(order_id, ("cancelled",)) if promise.cancel_accepted else order

    async def _cancel(self, order_id: str, promise: Promise) -> None:
        await self.client.insist("POST", f"/api/v1/orders/{order_id}/cancel", until={202})
        promise.cancel_accepted = True

    async def _see_the_end(self, order_id: str, statuses: Sequence[str]) -> dict[str, Any]:
        """The order in one of `statuses`. Raises Unanswered when it is not so for too long."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + FOLLOW_SECONDS, FIRST_LOOK_SECONDS
        while True:
            await asyncio.sleep(pause)
            _, order = await self.client.insist("GET", f"/api/v1/orders/{order_id}", until={200})
            if not order:
                raise Unanswered(f"order {order_id}: 200 without a body")
            if order["status"] in statuses:
                found: dict[str, Any] = order
                return found
            if loop.time() > deadline:
                raise Unanswered(f"order {order_id} is still {order['status']} after {FOLLOW_SECONDS:.0f} s")
            pause = LOOK_SECONDS

"""The use cases of orders: placing, tracking, cancelling, fulfilling, and the steps that the checkout saga takes here."""

import asyncio
import hashlib
import logging
from datetime import timedelta
from typing import Any

from apps.orders import domain
from apps.orders.announcing import Announcer, event_of
from apps.orders.domain import Failure, Order, OrderLine, OrderNotFound, OrderStatus, PaymentChoice, ShippingAddress
from apps.orders.ports import (
    Attempt,
    AuditedOrder,
    Carts,
    Catalog,
    Checkout,
    Clock,
    Events,
    Ids,
    OrderStore,
    Reminder,
)
from apps.shared.contracts import orders as contract
from apps.shared.contracts.checkout import WorkflowStatus, cancellation_id
from apps.shared.contracts.step import StepOutcome

log = logging.getLogger(__name__)

DRAFT_SECONDS = 4
"""How long taking and pricing a cart may take, and how long giving it up may: less than callers wait (config/resiliency)."""

ATTEMPT_SECONDS = 15
"""An attempt this old whose order does not exist is taken for dead. Should it live, it shares its order id with who carries it on."""

NO_WORKFLOW = WorkflowStatus(exists=False, running=False)


class OrderService:
    """Every use case loads, decides in `domain`, and saves; what it calls on the way is idempotent by order id."""

    def __init__(
        self,
        *,
        store: OrderStore,
        carts: Carts,
        catalog: Catalog,
        checkout: Checkout,
        events: Events,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store, self._carts, self._catalog, self._checkout = store, carts, catalog, checkout
        self._events, self._clock, self._ids = events, clock, ids
        self._announcer = Announcer(store=store, events=events)

    async def place(
        self, *, user_id: str, key: str, body: bytes, payment: PaymentChoice, shipping_address: ShippingAddress
    ) -> Order:
        """Order the user's cart, once for each idempotency `key`; `body` is what the key was sent with.

        The order is in `draft` and its saga is scheduled when this returns. A repeated request is told what the first one was.
        Raises EmptyCart, ProductUnavailable, MixedCurrencies, KeyReused, KeyInFlight.
        """
        now = self._clock.now()
        wanted = Attempt(self._ids.new("ord"), hashlib.sha256(body).hexdigest(), now)
        attempt, ours = await self._begin(user_id, key, wanted)
        if attempt.body_hash != wanted.body_hash:
            raise domain.KeyReused
        fresh = ours and attempt.order_id == wanted.order_id
        order = None if fresh else await self._store.find(attempt.order_id)
        if order is None:
            if not ours:
                raise domain.KeyInFlight
            try:
                order = await self._draft(user_id, key, attempt, payment, shipping_address)
            except domain.EmptyCart:
                if fresh:
                    raise
                # The sweep has given the cart back, for good: what is in it now is for another attempt.
                return await self.place(
                    user_id=user_id, key=key, body=body, payment=payment, shipping_address=shipping_address
                )
        if order.status is OrderStatus.DRAFT and (fresh or not (await self._checkout.status(order.id)).exists):
            await self._checkout.start(order)
        return domain.as_drafted(order)

    async def get(self, order_id: str) -> Order:
        """Raises OrderNotFound."""
        order = await self._store.find(order_id)
        if order is None:
            raise OrderNotFound(order_id)
        return order

    async def list_page(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[Order], int | None]:
        """The user's orders, newest first, and where to go on."""
        order_ids, rest = await self._store.list_ids(user_id, before=before, limit=limit)
        return await self._store.find_many(order_ids), rest

    async def request_cancellation(self, order_id: str) -> Order:
        """Have the order undone: a running saga turns back at its next step, a paid order is refunded by a saga of its own.

        Raises OrderNotFound, TransitionRefused once shipped.
        """
        now = self._clock.now()
        order = domain.request_cancellation(await self.get(order_id), now)
        await self._store.remind(Reminder(order_id, order.user_id), now)
        order, _ = await self._store.update(order_id, lambda found: (domain.request_cancellation(found, now), None))
        if order.status is OrderStatus.PAID:
            await self._checkout.start_cancellation(order_id)
        return order

    async def fulfil(self, order_id: str, to: OrderStatus) -> Order:
        """Mark the order shipped or delivered and tell the world. Raises OrderNotFound, TransitionRefused when out of order."""
        now = self._clock.now()
        order = domain.fulfil(await self.get(order_id), to, now)
        await self._store.remind(Reminder(order_id, order.user_id), now)
        order, _ = await self._store.update(order_id, lambda found: (domain.fulfil(found, to, now), None))
        return await self._announcer.announce(order)

    async def confirm(self, order_id: str) -> StepOutcome:
        """Saga step, see `contracts.orders.ConfirmOrder`."""
        return await self._advance(order_id, OrderStatus.CONFIRMED)

    async def mark_paid(self, order_id: str) -> StepOutcome:
        """Saga step, see `contracts.orders.MarkPaid`."""
        return await self._advance(order_id, OrderStatus.PAID)

    async def cancel(self, order_id: str, failure: Failure) -> StepOutcome:
        """Saga step, see `contracts.orders.CancelOrder`."""
        now = self._clock.now()
        order, _ = await self._store.update(order_id, lambda found: (domain.cancel(found, failure, now), None))
        await self._events.publish(event_of(order, OrderStatus.CANCELLED))
        return StepOutcome()

    async def payment_instrument(self, order_id: str) -> contract.PaymentInstrument:
        """How to pay for the order. Raises OrderNotFound."""
        order = await self.get(order_id)
        return contract.PaymentInstrument(
            user_id=order.user_id, provider=order.payment.provider, token=order.payment.token
        )

    async def audit_page(
        self, *, after: tuple[int, int], limit: int
    ) -> tuple[list[AuditedOrder], tuple[int, int] | None]:
        """All orders that were ever begun with their workflows, oldest hour first, and where to go on; one may come again."""
        reminders, rest = await self._store.list_begun(after=after, limit=limit)
        order_ids = list(dict.fromkeys(reminder.order_id for reminder in reminders))
        if not order_ids:
            return [], rest
        orders = {order.id: order for order in await self._store.find_many(order_ids)}
        undone = (cancellation_id(order.id) for order in orders.values() if order.cancel_requested_at)
        statuses = await self._checkout.statuses((*order_ids, *undone))
        return [
            AuditedOrder(
                order_id=order_id,
                order=orders.get(order_id),
                workflow=statuses[order_id],
                cancellation=statuses.get(cancellation_id(order_id), NO_WORKFLOW),
            )
            for order_id in order_ids
        ], rest

    async def _begin(self, user_id: str, key: str, wanted: Attempt) -> tuple[Attempt, bool]:
        """See `OrderStore.begin`. What an earlier attempt under the key has left taken is back in the cart before a new one begins."""
        resume_before = wanted.started_at - timedelta(seconds=ATTEMPT_SECONDS)
        while True:
            attempt, ours = await self._store.begin(user_id, key, wanted, resume_before=resume_before)
            if not attempt.given_up:
                return attempt, ours
            async with asyncio.timeout(DRAFT_SECONDS):
                await self._give_back(user_id, key, attempt)

    async def _draft(
        self, user_id: str, key: str, attempt: Attempt, payment: PaymentChoice, shipping_address: ShippingAddress
    ) -> Order:
        order_id = attempt.order_id
        try:
            async with asyncio.timeout(DRAFT_SECONDS):
                lines = await self._price(await self._carts.take(user_id, order_id))
            order = domain.draft_order(
                order_id=order_id,
                user_id=user_id,
                lines=lines,
                payment=payment,
                shipping_address=shipping_address,
                at=self._clock.now(),
            )
        except Exception:
            await self._give_up(user_id, key, attempt)
            raise
        return await self._store.add(order)

    async def _give_up(self, user_id: str, key: str, attempt: Attempt) -> None:
        """Undo an attempt that has saved no order, so that the customer may try again at once; unless another carries it on."""
        try:
            async with asyncio.timeout(DRAFT_SECONDS):
                given_up = await self._store.give_up(user_id, key, attempt)
                if given_up is not None:
                    await self._give_back(user_id, key, given_up)
        except Exception as error:
            why = str(error) or type(error).__name__
            log.warning(
                "left a cart to a retry or the sweep: %s", why, extra={"fields": {"order_id": attempt.order_id}}
            )

    async def _give_back(self, user_id: str, key: str, given_up: Attempt) -> None:
        await self._carts.restore(user_id, given_up.order_id)
        await self._store.forget(user_id, key, given_up)

    async def _price(self, cart: tuple[Any, ...]) -> tuple[OrderLine, ...]:
        if not cart:
            raise domain.EmptyCart
        offers = await self._catalog.quote(tuple(line.product_id for line in cart))
        if missing := tuple(line.product_id for line in cart if line.product_id not in offers):
            raise domain.ProductUnavailable(missing)
        return tuple(
            OrderLine(offer.product_id, offer.sku, offer.name, line.quantity, offer.price.money())
            for line, offer in ((line, offers[line.product_id]) for line in cart)
        )

    async def _advance(self, order_id: str, to: OrderStatus) -> StepOutcome:
        now = self._clock.now()
        order, refusal = await self._store.update(order_id, lambda found: domain.advance(found, to, now))
        if refusal is not None:
            return StepOutcome(refusal=refusal.code, message=refusal.message)
        if order.status is to:
            await self._events.publish(event_of(order, to))
        return StepOutcome()

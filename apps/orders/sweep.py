"""Looks at every order some minutes after each change of it, and ends, begins again or tells what nobody else will.

Whoever changes an order notes it for the sweep first, so that a crash at any point is found. An order is looked at again until it rests.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from apps.orders import domain
from apps.orders.announcing import Announcer, event_of
from apps.orders.domain import Order, OrderStatus
from apps.orders.ports import Carts, Checkout, Clock, Events, Notices, OrderStore, Reminder
from apps.shared.contracts.checkout import cancellation_id

log = logging.getLogger(__name__)

MOST_BEGUN_AGAIN = 2
"""How many sagas that stand still a run begins again. One is lost now and then; where many stand still they wait for an app that is
dead or a shop that is too busy, and beginning them all again would keep it so.
"""

_TOLD_TO_CUSTOMERS = (OrderStatus.CONFIRMED, OrderStatus.PAID, OrderStatus.CANCELLED, OrderStatus.SHIPPED)


@dataclass(slots=True)
class _Run:
    grace: timedelta
    begun_again: int = 0


class OrderSweep:
    """What it does to an order may be done twice, and by two replicas at once."""

    def __init__(
        self, *, store: OrderStore, carts: Carts, checkout: Checkout, notices: Notices, events: Events, clock: Clock
    ) -> None:
        self._store, self._carts, self._checkout, self._notices = store, carts, checkout, notices
        self._events, self._clock = events, clock
        self._announcer = Announcer(store=store, events=events)

    async def run(self, grace: timedelta) -> None:
        """Look again at orders that someone may have left half-way at least `grace` ago, and end what nobody else will end."""
        run = _Run(grace)
        await self._store.sweep(self._clock.now() - grace, lambda reminder: self._look_again(reminder, run))

    async def _look_again(self, reminder: Reminder, run: _Run) -> None:
        order = await self._store.find(reminder.order_id)
        if order is None:
            await self._carts.restore(reminder.user_id, reminder.order_id)
        elif order.status in (OrderStatus.DRAFT, OrderStatus.CONFIRMED) or order.is_being_undone:
            await self._see_to_its_end(order, reminder, run)
        else:
            await self._announcer.announce(order)
            await self._make_sure_that_it_was_heard(order, reminder)

    async def _make_sure_that_it_was_heard(self, order: Order, reminder: Reminder) -> None:
        """A broker that loses an event delays it: what has not ended in a mail is published again, and looked after until it has."""
        if order.status is OrderStatus.CANCELLED and order.failure != domain.BY_CUSTOMER:
            await self._carts.restore(order.user_id, order.id)
        events = [event_of(order, entry.status) for entry in order.timeline if entry.status in _TOLD_TO_CUSTOMERS]
        told = await self._notices.told(tuple(event.event_id for event in events))
        untold = [event for event in events if event.event_id not in told]
        for event in untold:
            log.error("told %s again, of which nobody had heard", event.event_id)
            await self._events.publish(event)
        if untold:
            await self._store.remind(reminder, self._clock.now())

    async def _see_to_its_end(self, order: Order, reminder: Reminder, run: _Run) -> None:
        """An order under way ends by its saga: one that broke off, or has stood still for the grace, is started again; what had been done
        by it is not done twice. A draft that never had one is ended.
        """
        instance_id = cancellation_id(order.id) if order.is_being_undone else order.id
        saga, now = await self._checkout.status(instance_id), self._clock.now()
        if order.status is OrderStatus.DRAFT and not saga.exists:
            await self._end_draft(order.id)
            return
        stands_still = saga.running and saga.went_on_at is not None and saga.went_on_at < now - run.grace
        if stands_still and run.begun_again >= MOST_BEGUN_AGAIN:
            log.warning("left a saga for later that stands still", extra={"fields": {"order_id": order.id}})
            stands_still = False
        if stands_still:
            run.begun_again += 1
            await self._checkout.end(instance_id)
        if stands_still or not saga.running:
            why = f"stood still since {saga.went_on_at}" if stands_still else "had broken off"
            log.error("began a saga again that %s", why, extra={"fields": {"order_id": order.id}})
            await (
                self._checkout.start_cancellation(order.id) if order.is_being_undone else self._checkout.start(order)
            )
        await self._store.remind(reminder, now)

    async def _end_draft(self, order_id: str) -> None:
        now = self._clock.now()

        def decide(order: Order) -> tuple[Order, None]:
            if order.status is not OrderStatus.DRAFT:
                return order, None
            failure = domain.BY_CUSTOMER if order.cancel_requested_at else domain.NOT_CARRIED_ON
            return domain.to_announce(domain.cancel(order, failure, now)), None

        order, _ = await self._store.update(order_id, decide)
        log.warning("ended a draft whose checkout was never scheduled", extra={"fields": {"order_id": order_id}})
        await self._announcer.announce(order)

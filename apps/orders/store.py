"""OrderStore over Dapr state.

Documents: `order/<id>`; `attempt/<user>/<hash of key>` (kept 48 hours); the user's journal of order ids; reminders by minute, of which
the first for an order names the hash as well, so that attempts can be found.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from prometheus_client import Counter

from apps.orders.domain import Order, OrderNotFound
from apps.orders.ports import Attempt, Reminder
from apps.shared.platform import journal
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore, Transaction

R = TypeVar("R")

KEY_TTL_SECONDS = 48 * 3600
"""The public contract keeps idempotency keys for at least 24 hours."""

ORDERS = Counter("orders_total", "Orders that entered a status", ["status"])

_reminders = MinuteJournal("order-reminders")


class DaprOrderStore:
    """See `ports.OrderStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def begin(self, user_id: str, key: str, attempt: Attempt, *, resume_before: datetime) -> tuple[Attempt, bool]:
        document = _attempt_key(user_id, key)
        entry = f"{_entry(Reminder(attempt.order_id, user_id))} {_hash(key)}"
        reminder_keys = _reminders.keys(entry, attempt.started_at)

        def decide(transaction: Transaction) -> tuple[Attempt, bool]:
            earlier = transaction.find(document, Attempt)
            if earlier == attempt:
                return attempt, True
            if earlier is None:
                transaction.put(document, attempt, ttl_seconds=KEY_TTL_SECONDS)
                _reminders.append(transaction, entry, attempt.started_at)
                return attempt, True
            if earlier.given_up or earlier.body_hash != attempt.body_hash or earlier.started_at >= resume_before:
                return earlier, False
            resumed = Attempt(earlier.order_id, earlier.body_hash, attempt.started_at)
            if earlier == resumed:
                return resumed, True
            transaction.put(document, resumed, ttl_seconds=KEY_TTL_SECONDS)
            _reminders.append(
                transaction, _entry(Reminder(resumed.order_id, user_id)), attempt.started_at, shard_of=entry
            )
            return resumed, True

        return await self._state.transact([document, *reminder_keys], decide)

    async def give_up(self, user_id: str, key: str, attempt: Attempt) -> Attempt | None:
        document, given_up = _attempt_key(user_id, key), replace(attempt, given_up=True)

        def decide(transaction: Transaction) -> Attempt | None:
            found = transaction.find(document, Attempt)
            if found == attempt:
                transaction.put(document, given_up, ttl_seconds=KEY_TTL_SECONDS)
            return given_up if found in (attempt, given_up) else None

        return await self._state.transact([document], decide)

    async def forget(self, user_id: str, key: str, attempt: Attempt) -> None:
        document = _attempt_key(user_id, key)

        def decide(transaction: Transaction) -> None:
            if transaction.find(document, Attempt) == attempt:
                transaction.delete(document)

        await self._state.transact([document], decide)

    async def add(self, order: Order) -> Order:
        document, owner = _order_key(order.id), _owner(order.user_id)

        def decide(transaction: Transaction) -> tuple[Order, bool]:
            stored = transaction.find(document, Order)
            if stored is not None:
                return stored, False
            transaction.put(document, order)
            journal.append(transaction, owner, order.id)
            return order, True

        saved, is_new = await self._state.transact([document, journal.head_key(owner)], decide)
        if is_new:
            ORDERS.labels(saved.status).inc()
        return saved

    async def find(self, order_id: str) -> Order | None:
        return await self._state.find(_order_key(order_id), Order)

    async def find_many(self, order_ids: list[str]) -> list[Order]:
        if not order_ids:
            return []
        keys = [_order_key(order_id) for order_id in order_ids]
        loaded = await self._state.load(keys)
        found = (loaded.find(key, Order) for key in keys)
        return [order for order in found if order is not None]

    async def update(self, order_id: str, decide: Callable[[Order], tuple[Order, R]]) -> tuple[Order, R]:
        document = _order_key(order_id)

        def apply(transaction: Transaction) -> tuple[Order, R, bool]:
            order = transaction.find(document, Order)
            if order is None:
                raise OrderNotFound(order_id)
            changed, result = decide(order)
            if changed != order:
                transaction.put(document, changed)
            return changed, result, changed.status is not order.status

        order, result, moved = await self._state.transact([document], apply)
        if moved:
            ORDERS.labels(order.status).inc()
        return order, result

    async def remind(self, reminder: Reminder, at: datetime) -> None:
        entry = _entry(reminder)
        await self._state.transact(_reminders.keys(entry, at), lambda tx: _reminders.append(tx, entry, at))

    async def list_ids(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[str], int | None]:
        return await journal.read_backwards(self._state, _owner(user_id), before=before, limit=limit)

    async def list_begun(self, *, after: tuple[int, int], limit: int) -> tuple[list[Reminder], tuple[int, int] | None]:
        entries, rest = await _reminders.list_page(self._state, after=after, limit=limit)
        return [_reminder(entry) for entry in entries], rest

    async def sweep(self, until: datetime, look: Callable[[Reminder], Awaitable[None]]) -> None:
        async def look_at(entry: str) -> None:
            await look(_reminder(entry))

        await _reminders.sweep(self._state, until=until, look=look_at)


def _order_key(order_id: str) -> str:
    return f"order/{order_id}"


def _attempt_key(user_id: str, key: str) -> str:
    return f"attempt/{user_id}/{_hash(key)}"


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _owner(user_id: str) -> str:
    return f"orders-of/{user_id}"


def _entry(reminder: Reminder) -> str:
    return f"{reminder.order_id} {reminder.user_id}"


def _reminder(entry: str) -> Reminder:
    order_id, user_id, *_ = entry.split()
    return Reminder(order_id, user_id)

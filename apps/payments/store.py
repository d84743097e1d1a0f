"""PaymentStore over Dapr state.

Documents: `payment/<order id>`, which holds its ledger; the journal of payments by minute.
"""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import Counter

from apps.payments.domain import Payment
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore, Transaction

PAYMENTS = Counter("payments_total", "Payments that entered a status", ["status"])

_payments = MinuteJournal("payments")


class DaprPaymentStore:
    """See `ports.PaymentStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def find(self, order_id: str) -> Payment | None:
        return await self._state.find(_key(order_id), Payment)

    async def find_many(self, order_ids: list[str]) -> list[Payment]:
        if not order_ids:
            return []
        keys = [_key(order_id) for order_id in order_ids]
        loaded = await self._state.load(keys)
        found = (loaded.find(key, Payment) for key in keys)
        return [payment for payment in found if payment is not None]

    async def list_ids(self, *, after: tuple[int, int], limit: int) -> tuple[list[str], tuple[int, int] | None]:
        return await _payments.list_page(self._state, after=after, limit=limit)

    async def save(self, order_id: str, decide: Callable[[Payment | None], Payment], *, at: datetime) -> Payment:
        key, journal_keys = _key(order_id), _payments.keys(order_id, at)

        def apply(transaction: Transaction) -> tuple[Payment, bool]:
            earlier = transaction.find(key, Payment)
            payment = decide(earlier)
            if payment != earlier:
                transaction.put(key, payment)
            if earlier is None:
                _payments.append(transaction, order_id, at)
            return payment, earlier is None or payment.status is not earlier.status

        payment, moved = await self._state.transact([key, *journal_keys], apply)
        if moved:
            PAYMENTS.labels(payment.status).inc()
        return payment


def _key(order_id: str) -> str:
    return f"payment/{order_id}"

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

    async def save(self, order_id: str, decide: Callable[[Payment | None], Payment], *, at: datetime) -> Payment:
        key, journal_key = _key(order_id), _payments.key(order_id, at)

        def apply(transaction: Transaction) -> tuple[Payment, bool]:
            earlier = transaction.find(key, Payment)
            payment = decide(earlier)
            if payment != earlier:
                transaction.put(key, payment)
            if earlier is None:
                _payments.append(transaction, order_id, at)
            return payment, earlier is None or payment.status is not earlier.status

        payment, moved = await self._state.transact([key, journal_key], apply)
        if moved:
            PAYMENTS.labels(payment.status).inc()
        return payment


def _key(order_id: str) -> str:
    return f"payment/{order_id}"

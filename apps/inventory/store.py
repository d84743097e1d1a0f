"""InventoryStore over Dapr state.

Documents: `stock/<sku>`; `reservation/<order id>`; `receipt/<id>`; the journals of all SKUs and of the receipts of each; reservations by
minute.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from apps.inventory.domain import Reservation, ReservationStatus, Stock
from apps.inventory.ports import Decide
from apps.shared.platform import journal
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore, Transaction

RESERVATIONS = Counter("stock_reservations_total", "Reservations that entered a status", ["status"])

_ALL_SKUS = "skus"
_reservations = MinuteJournal("reservations")


@dataclass(frozen=True)
class CountedReceipt:
    """A receipt that is in the stock of its SKU already."""

    sku: str


class DaprInventoryStore:
    """See `ports.InventoryStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def find_stocks(self, skus: Iterable[str]) -> dict[str, Stock]:
        keys = {sku: _stock_key(sku) for sku in skus}
        if not keys:
            return {}
        loaded = await self._state.load(list(keys.values()))
        return {sku: loaded.find(key, Stock) or Stock(sku) for sku, key in keys.items()}

    async def receive(self, receipt_id: str, sku: str, change: Callable[[Stock], Stock]) -> Stock:
        receipt_key, stock_key, skus_key = f"receipt/{receipt_id}", _stock_key(sku), journal.head_key(_ALL_SKUS)
        receipts = f"receipts-of/{sku}"

        def decide(transaction: Transaction) -> Stock:
            stock = transaction.find(stock_key, Stock)
            if transaction.find(receipt_key, CountedReceipt) is not None and stock is not None:
                return stock
            if stock is None:
                journal.append(transaction, _ALL_SKUS, sku)
            changed = change(stock or Stock(sku))
            transaction.put(stock_key, changed)
            transaction.put(receipt_key, CountedReceipt(sku))
            journal.append(transaction, receipts, receipt_id)
            return changed

        return await self._state.transact([receipt_key, stock_key, skus_key, journal.head_key(receipts)], decide)

    async def find_reservation(self, order_id: str) -> Reservation | None:
        return await self._state.find(_reservation_key(order_id), Reservation)

    async def change(self, order_id: str, skus: Iterable[str], decide: Decide, *, at: datetime) -> Reservation:
        key, reminders = _reservation_key(order_id), _reservations.keys(order_id, at)
        stock_keys = {sku: _stock_key(sku) for sku in skus}

        def apply(transaction: Transaction) -> tuple[Reservation, bool]:
            earlier = transaction.find(key, Reservation)
            stocks = {sku: transaction.find(stock_key, Stock) or Stock(sku) for sku, stock_key in stock_keys.items()}
            reservation, changed = decide(earlier, stocks)
            if reservation != earlier:
                transaction.put(key, reservation)
                if reservation.status is ReservationStatus.HELD:
                    _reservations.append(transaction, order_id, at)
            for sku, stock in changed.items():
                if stock != stocks[sku]:
                    transaction.put(stock_keys[sku], stock)
            return reservation, reservation != earlier

        reservation, moved = await self._state.transact([key, *reminders, *stock_keys.values()], apply)
        if moved:
            RESERVATIONS.labels(reservation.status).inc()
        return reservation

    async def list_skus(self, *, before: int | None, limit: int) -> tuple[list[str], int | None]:
        return await journal.read_backwards(self._state, _ALL_SKUS, before=before, limit=limit)

    async def list_reservations(
        self, *, after: tuple[int, int], limit: int
    ) -> tuple[list[Reservation], tuple[int, int] | None]:
        order_ids, rest = await _reservations.list_page(self._state, after=after, limit=limit)
        keys = [_reservation_key(order_id) for order_id in dict.fromkeys(order_ids)]
        if not keys:
            return [], rest
        loaded = await self._state.load(keys)
        found = (loaded.find(key, Reservation) for key in keys)
        return [reservation for reservation in found if reservation is not None], rest

    async def remind(self, order_id: str, at: datetime) -> None:
        keys = _reservations.keys(order_id, at)
        await self._state.transact(keys, lambda transaction: _reservations.append(transaction, order_id, at))

    async def sweep(self, until: datetime, look: Callable[[str], Awaitable[None]]) -> None:
        await _reservations.sweep(self._state, until=until, look=look)


def _stock_key(sku: str) -> str:
    return f"stock/{sku}"


def _reservation_key(order_id: str) -> str:
    return f"reservation/{order_id}"

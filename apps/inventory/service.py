"""The use cases of inventory: receiving, reserving, releasing and selling stock."""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from apps.inventory import domain
from apps.inventory.domain import Reservation, ReservationStatus, Stock, Stocks
from apps.inventory.ports import Catalog, Clock, Decide, Ids, InventoryStore, Orders
from apps.shared.contracts.inventory import StockLine
from apps.shared.contracts.orders import FailureCode
from apps.shared.contracts.step import StepOutcome
from apps.shared.turns import Turns

log = logging.getLogger(__name__)


class InventoryService:
    """Stock and the reservation that moves it change in one transaction; requests for one SKU take turns."""

    def __init__(self, *, store: InventoryStore, orders: Orders, catalog: Catalog, clock: Clock, ids: Ids) -> None:
        self._store, self._orders, self._catalog, self._clock, self._ids = store, orders, catalog, clock, ids
        self._turns = Turns()

    async def get(self, sku: str) -> Stock:
        """Raises SkuUnknown."""
        stock = (await self._store.find_stocks([sku]))[sku]
        if not stock.shelves:
            raise domain.SkuUnknown(sku)
        return stock

    async def availability(self, skus: Iterable[str]) -> dict[str, int]:
        """Units that can be bought now, by SKU."""
        return {sku: stock.available for sku, stock in (await self._store.find_stocks(skus)).items()}

    async def check_owner(self, sku: str, vendor_id: str) -> None:
        """Raises SkuForeign unless `vendor_id` sells this SKU."""
        owner = await self._catalog.find_owner(sku)
        if owner is None or owner.vendor_id != vendor_id:
            raise domain.SkuForeign(sku)

    async def receive(self, *, sku: str, warehouse: str, quantity: int, receipt_id: str = "") -> Stock:
        """Add goods that came in, once for each `receipt_id` (a new one when empty). Raises QuantityOutOfRange."""
        receipt_id = receipt_id or self._ids.new("rcp")

        def change(stock: Stock) -> Stock:
            return domain.receive(stock, warehouse=warehouse, quantity=quantity)

        async with self._turns.of([sku]):
            return await self._store.receive(receipt_id, sku, change)

    async def reserve(self, order_id: str, lines: Iterable[StockLine]) -> StepOutcome:
        """Saga step, see `contracts.inventory.ReserveStock`."""
        now = self._clock.now()
        wanted: Counter[str] = Counter()
        for line in lines:
            wanted[line.sku] += line.quantity

        def decide(earlier: Reservation | None, stocks: Stocks) -> tuple[Reservation, Stocks]:
            return domain.reserve(earlier, order_id=order_id, wanted=wanted, stocks=stocks, at=now)

        reservation = await self._change(order_id, wanted, decide)
        if reservation.status in (ReservationStatus.HELD, ReservationStatus.SOLD):
            return StepOutcome()
        if reservation.status is ReservationStatus.REFUSED:
            return StepOutcome(refusal=FailureCode.OUT_OF_STOCK, message=reservation.reason)
        return StepOutcome(refusal=FailureCode.INTERNAL_ERROR, message="The order's stock was given back already.")

    async def release(self, order_id: str) -> StepOutcome:
        """Saga step, see `contracts.inventory.ReleaseStock`."""
        now = self._clock.now()

        def decide(earlier: Reservation | None, stocks: Stocks) -> tuple[Reservation, Stocks]:
            return domain.release(earlier, order_id=order_id, stocks=stocks, at=now)

        await self._change(order_id, await self._skus_of(order_id), decide)
        return StepOutcome()

    async def sell(self, order_id: str) -> None:
        """Turn the order's reservation into a sale; once, however often it is told. Raises ReservationEnded without one."""
        now = self._clock.now()

        def decide(earlier: Reservation | None, stocks: Stocks) -> tuple[Reservation, Stocks]:
            if earlier is None:
                raise domain.ReservationEnded(order_id, "A paid order has no reservation.")
            return domain.sell(earlier, stocks=stocks, at=now)

        await self._change(order_id, await self._skus_of(order_id), decide)

    async def sweep(self, hold: timedelta) -> None:
        """Look at reservations begun more than `hold` ago: only those of no order, or of a cancelled one, are released."""
        await self._store.sweep(self._clock.now() - hold, self._look_again)

    async def list_stocks(self, *, before: int | None, limit: int) -> tuple[list[Stock], int | None]:
        """The stock of every SKU, the newest SKU first, and where to go on."""
        skus, rest = await self._store.list_skus(before=before, limit=limit)
        return list((await self._store.find_stocks(skus)).values()), rest

    async def list_reservations(
        self, *, after: tuple[int, int], limit: int
    ) -> tuple[list[Reservation], tuple[int, int] | None]:
        """All reservations that ever held stock, oldest hour first, and where to go on; one may come again."""
        return await self._store.list_reservations(after=after, limit=limit)

    async def _look_again(self, order_id: str) -> None:
        reservation = await self._store.find_reservation(order_id)
        if reservation is None or reservation.status is not ReservationStatus.HELD:
            return
        status = await self._orders.find_status(order_id)
        if status in (None, "cancelled"):
            log.warning("released stock held for an order that has ended", extra={"fields": {"order_id": order_id}})
            await self.release(order_id)
        elif status in ("paid", "shipped", "delivered"):
            await self.sell(order_id)
        else:
            await self._store.remind(order_id, self._clock.now())

    async def _skus_of(self, order_id: str) -> set[str]:
        reservation = await self._store.find_reservation(order_id)
        return {part.sku for part in reservation.allocations} if reservation else set()

    async def _change(self, order_id: str, skus: Iterable[str], decide: Decide) -> Reservation:
        skus = set(skus)

        def guarded(earlier: Reservation | None, stocks: Stocks) -> tuple[Reservation, Stocks]:
            if earlier is not None and not {part.sku for part in earlier.allocations} <= skus:
                raise _ReservationMoved
            return decide(earlier, stocks)

        while True:
            try:
                async with self._turns.of(skus):
                    return await self._store.change(order_id, skus, guarded, at=self._clock.now())
            except _ReservationMoved:
                skus |= await self._skus_of(order_id)


class _ReservationMoved(Exception):
    """The reservation came to be after its SKUs were looked up: look again."""

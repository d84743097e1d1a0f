"""An InventoryService with everything around it, over a store in memory."""

from datetime import timedelta

from apps.inventory.domain import ReservationStatus
from apps.inventory.service import InventoryService
from apps.inventory.store import DaprInventoryStore
from apps.shared.contracts.catalog import SkuOwner
from apps.shared.contracts.inventory import StockLine
from tests.unit.fakes import CountingIds, FixedClock, MemorySidecar, memory_state

HOLD = timedelta(minutes=15)


class FakeOrders:
    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.asked: list[str] = []

    async def find_status(self, order_id: str) -> str | None:
        self.asked.append(order_id)
        return self.statuses.get(order_id)


class FakeCatalog:
    async def find_owner(self, sku: str) -> SkuOwner | None:
        return SkuOwner(sku=sku, product_id="prd_1", vendor_id="usr_v") if sku == "A" else None


class Room:
    """An InventoryService with everything around it."""

    def __init__(self, sidecar: MemorySidecar | None = None) -> None:
        self.sidecar = sidecar or MemorySidecar()
        self.store = DaprInventoryStore(memory_state(self.sidecar))
        self.orders, self.clock = FakeOrders(), FixedClock()
        self.service = InventoryService(
            store=self.store, orders=self.orders, catalog=FakeCatalog(), clock=self.clock, ids=CountingIds()
        )

    async def status(self, order_id: str) -> ReservationStatus | None:
        reservation = await self.store.find_reservation(order_id)
        return reservation.status if reservation else None

    async def sweep_later(self) -> None:
        self.clock.pass_time(minutes=20)
        await self.service.sweep(HOLD)


def lines(**wanted: int) -> list[StockLine]:
    return [StockLine(sku=sku, quantity=quantity) for sku, quantity in wanted.items()]

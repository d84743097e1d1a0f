"""Requests and answers of the inventory API."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from apps.inventory.domain import Reservation, Stock


class ReceiptIn(BaseModel):
    """Goods that came in."""

    model_config = ConfigDict(extra="forbid")

    warehouse: str = Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$", examples=["east"])
    quantity: int = Field(ge=1, le=1_000_000, strict=True)


class WarehouseOut(BaseModel):
    warehouse: str
    on_hand: int
    reserved: int
    available: int


class StockOut(BaseModel):
    """Units of one SKU; `available` = `on_hand` - `reserved`."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    sold: int
    received: int
    warehouses: list[WarehouseOut]

    @classmethod
    def of(cls, stock: Stock) -> "StockOut":
        return cls(
            sku=stock.sku,
            on_hand=stock.on_hand,
            reserved=stock.reserved,
            available=stock.available,
            sold=stock.sold,
            received=stock.received,
            warehouses=[
                WarehouseOut(warehouse=name, on_hand=shelf.on_hand, reserved=shelf.reserved, available=shelf.available)
                for name, shelf in sorted(stock.shelves.items())
            ],
        )


class StockPage(BaseModel):
    """The stock of every SKU, the newest SKU first."""

    items: list[StockOut]
    next_cursor: str | None


class AllocationOut(BaseModel):
    sku: str
    warehouse: str
    quantity: int


class ReservationOut(BaseModel):
    """What one order holds (`held`), has bought (`sold`), or has given back (`released`, `returned`)."""

    order_id: str
    status: str
    allocations: list[AllocationOut]
    at: datetime

    @classmethod
    def of(cls, reservation: Reservation) -> "ReservationOut":
        return cls(
            order_id=reservation.order_id,
            status=reservation.status,
            allocations=[
                AllocationOut(sku=part.sku, warehouse=part.warehouse, quantity=part.quantity)
                for part in reservation.allocations
            ],
            at=reservation.at,
        )


class ReservationPage(BaseModel):
    """All reservations that ever held stock, oldest hour first; one may come more than once."""

    items: list[ReservationOut]
    next_cursor: str | None

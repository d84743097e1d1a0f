"""Stock, reservations and the decisions about them: pure, with time as an argument.

InventoryError
├── SkuUnknown          nothing was ever received under this SKU
├── SkuForeign          the SKU belongs to another vendor
├── StockExhausted      an order wants more than there is
├── ReservationEnded    the order has given its stock back, or never got any
└── QuantityOutOfRange  a receipt would make a count too large
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

MAX_UNITS = 1_000_000_000


class InventoryError(Exception):
    """Root of the refusals of this service."""


class SkuUnknown(InventoryError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"There is no stock of {sku}.")
        self.sku = sku


class SkuForeign(InventoryError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"There is no {sku} among your products.")
        self.sku = sku


class StockExhausted(InventoryError):
    def __init__(self, sku: str, wanted: int, available: int) -> None:
        super().__init__(f"Only {available} of {sku} left, {wanted} wanted.")
        self.sku, self.wanted, self.available = sku, wanted, available


class ReservationEnded(InventoryError):
    def __init__(self, order_id: str, why: str) -> None:
        super().__init__(why)
        self.order_id = order_id


class QuantityOutOfRange(InventoryError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"More than {MAX_UNITS} units of {sku} cannot be kept.")
        self.sku = sku


@dataclass(frozen=True, slots=True)
class Shelf:
    """Units of one SKU in one warehouse: `reserved` of the `on_hand` ones are promised to orders."""

    on_hand: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Stock:
    """All units of one SKU. Always: received = available + reserved + sold, and none is negative."""

    sku: str
    shelves: dict[str, Shelf] = field(default_factory=dict)
    received: int = 0
    sold: int = 0

    @property
    def on_hand(self) -> int:
        return sum(shelf.on_hand for shelf in self.shelves.values())

    @property
    def reserved(self) -> int:
        return sum(shelf.reserved for shelf in self.shelves.values())

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class ReservationStatus(StrEnum):
    HELD = "held"
    SOLD = "sold"
    RELEASED = "released"
    RETURNED = "returned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Allocation:
    """`quantity` units that one warehouse gives."""

    sku: str
    warehouse: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one order holds, has bought, or was refused (`reason`). There is one for each order, for good."""

    order_id: str
    status: ReservationStatus
    allocations: tuple[Allocation, ...]
    at: datetime
    reason: str = ""


Stocks = Mapping[str, Stock]


def receive(stock: Stock, *, warehouse: str, quantity: int) -> Stock:
    """Add units to a warehouse. Raises QuantityOutOfRange."""
    if stock.received + quantity > MAX_UNITS:
        raise QuantityOutOfRange(stock.sku)
    shelf = stock.shelves.get(warehouse, Shelf())
    shelves = {**stock.shelves, warehouse: replace(shelf, on_hand=shelf.on_hand + quantity)}
    return replace(stock, shelves=shelves, received=stock.received + quantity)


def reserve(
    earlier: Reservation | None, *, order_id: str, wanted: Mapping[str, int], stocks: Stocks, at: datetime
) -> tuple[Reservation, Stocks]:
    """Hold `wanted` units by SKU for an order, all or nothing; the reservation and the stocks as they are then.

    What was answered before is answered again. A refusal is a reservation with status `refused`.
    """
    if earlier is not None:
        return earlier, stocks
    for sku, quantity in sorted(wanted.items()):
        available = stocks[sku].available
        if available < quantity:
            reason = str(StockExhausted(sku, quantity, available))
            return Reservation(order_id, ReservationStatus.REFUSED, (), at, reason), stocks
    allocations = allocate(wanted, stocks)
    held = Reservation(order_id, ReservationStatus.HELD, allocations, at)
    return held, _move(stocks, allocations, reserved=+1)


def allocate(wanted: Mapping[str, int], stocks: Stocks) -> tuple[Allocation, ...]:
    """Choose warehouses for units that are there: few parcels first.

    Warehouses that can serve more of the lines alone come first; a line is split only when no warehouse has all of it.
    """
    names = sorted({name for sku in wanted for name in stocks[sku].shelves})

    def available(sku: str, warehouse: str) -> int:
        return stocks[sku].shelves.get(warehouse, Shelf()).available

    def lines_served(warehouse: str) -> int:
        return sum(available(sku, warehouse) >= quantity for sku, quantity in wanted.items())

    ranked = sorted(names, key=lambda name: (-lines_served(name), name))
    allocations: list[Allocation] = []
    for sku, quantity in sorted(wanted.items()):
        whole = [name for name in ranked if available(sku, name) >= quantity]
        for warehouse in whole[:1] or ranked:
            taken = min(quantity, available(sku, warehouse))
            if taken > 0:
                allocations.append(Allocation(sku, warehouse, taken))
                quantity -= taken
    return tuple(allocations)


def release(earlier: Reservation | None, *, order_id: str, stocks: Stocks, at: datetime) -> tuple[Reservation, Stocks]:
    """Give back what the order holds or has bought; an order without a reservation gets none later."""
    if earlier is None:
        return Reservation(order_id, ReservationStatus.RELEASED, (), at), stocks
    if earlier.status is ReservationStatus.HELD:
        released = replace(earlier, status=ReservationStatus.RELEASED, at=at)
        return released, _move(stocks, earlier.allocations, reserved=-1)
    if earlier.status is ReservationStatus.SOLD:
        returned = replace(earlier, status=ReservationStatus.RETURNED, at=at)
        return returned, _move(stocks, earlier.allocations, on_hand=+1, sold=-1)
    return earlier, stocks


def sell(reservation: Reservation, *, stocks: Stocks, at: datetime) -> tuple[Reservation, Stocks]:
    """Turn what is held into a sale; anything else stays as it is (the sale may be told late, after its undoing)."""
    if reservation.status is not ReservationStatus.HELD:
        return reservation, stocks
    sold = replace(reservation, status=ReservationStatus.SOLD, at=at)
    return sold, _move(stocks, reservation.allocations, on_hand=-1, reserved=-1, sold=+1)


def _move(
    stocks: Stocks, allocations: tuple[Allocation, ...], *, on_hand: int = 0, reserved: int = 0, sold: int = 0
) -> Stocks:
    moved = dict(stocks)
    for part in allocations:
        stock = moved[part.sku]
        shelf = stock.shelves[part.warehouse]
        changed = Shelf(shelf.on_hand + on_hand * part.quantity, shelf.reserved + reserved * part.quantity)
        shelves = {**stock.shelves, part.warehouse: changed}
        moved[part.sku] = replace(stock, shelves=shelves, sold=stock.sold + sold * part.quantity)
    return moved

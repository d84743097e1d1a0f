"""What one look at a shop has found: the services' audit listings as plain data. `invariants.py` decides about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.shared.money import Money


@dataclass(frozen=True, slots=True)
class Shelf:
    warehouse: str
    on_hand: int
    reserved: int
    available: int


@dataclass(frozen=True, slots=True)
class Stock:
    sku: str
    received: int
    available: int
    reserved: int
    sold: int
    warehouses: tuple[Shelf, ...] = ()


@dataclass(frozen=True, slots=True)
class Allocation:
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    order_id: str
    status: str
    allocations: tuple[Allocation, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """`exists` is False as well for one that ended so long ago that it is forgotten."""

    exists: bool = False
    running: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An order that was begun; what is None was never saved."""

    order_id: str
    status: str | None = None
    total: Money | None = None
    placed_at: datetime | None = None
    reached_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    workflow: Workflow = Workflow()
    cancellation: Workflow = Workflow()


@dataclass(frozen=True, slots=True)
class Ledger:
    """Our own record of an order's money."""

    status: str
    captured: Money
    refunded: Money
    captures: int


@dataclass(frozen=True, slots=True)
class Books:
    """The provider's record of an order's money."""

    standing: str
    captured: Money
    refunded: Money

    @property
    def held(self) -> Money:
        return self.captured - self.refunded


@dataclass(frozen=True, slots=True)
class Payment:
    order_id: str
    ledger: Ledger | None = None
    books: Books | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What became of an event; `mail` is None while it has not become a message."""

    event_id: str
    mail: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that `consumer` could not handle, unless a replay has since."""

    consumer: str
    id: str
    event_id: str
    type: str
    is_handled: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything by its id. `moving` are the SKUs whose stock changed while the rest was read: nothing can be said about their sums."""

    stocks: Mapping[str, Stock]
    moving: frozenset[str]
    reservations: Mapping[str, Reservation]
    orders: Mapping[str, Order]
    payments: Mapping[str, Payment]
    messages: Mapping[str, Message]
    letters: tuple[Letter, ...]

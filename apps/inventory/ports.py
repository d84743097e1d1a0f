"""What the inventory use cases need from outside."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol

from apps.inventory.domain import Reservation, Stock, Stocks
from apps.shared.contracts.catalog import SkuOwner

Decide = Callable[[Reservation | None, Stocks], tuple[Reservation, Stocks]]


class InventoryStore(Protocol):
    """Stock by SKU and reservations by order, changed together or not at all."""

    async def find_stocks(self, skus: Iterable[str]) -> dict[str, Stock]:
        """By SKU; those never received are empty stocks."""

    async def receive(self, receipt_id: str, sku: str, change: Callable[[Stock], Stock]) -> Stock:
        """Save what the pure `change` makes of the stock, once for each `receipt_id`; the stock afterwards."""

    async def find_reservation(self, order_id: str) -> Reservation | None: ...

    async def change(self, order_id: str, skus: Iterable[str], decide: Decide, *, at: datetime) -> Reservation:
        """Save what the pure `decide` makes of the order's reservation and the stocks of `skus`, in one transaction.

        A reservation that begins is noted for the sweep under `at`.
        """

    async def list_skus(self, *, before: int | None, limit: int) -> tuple[list[str], int | None]:
        """All SKUs that were ever received, newest first, and where to go on."""

    async def list_reservations(
        self, *, after: tuple[int, int], limit: int
    ) -> tuple[list[Reservation], tuple[int, int] | None]:
        """All that ever held stock, oldest hour first, and where to go on; one may come again. Begin at (0, 0)."""

    async def remind(self, order_id: str, at: datetime) -> None:
        """Have the sweep look at the order's reservation again, some time after `at`."""

    async def sweep(self, until: datetime, look: Callable[[str], Awaitable[None]]) -> None:
        """Call `look` with each order id noted before `until` that no sweep has finished; what it raises ends the sweep."""


class Orders(Protocol):
    async def find_status(self, order_id: str) -> str | None:
        """The order's status; None when there is no such order."""


class Catalog(Protocol):
    async def find_owner(self, sku: str) -> SkuOwner | None: ...


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...

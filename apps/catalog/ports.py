"""What the catalog use cases need from outside."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from apps.catalog.domain import Intake, Product


class Sort(StrEnum):
    """The order of a list; ties go by product id."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Which products to list. Prices are inclusive, in minor units; `after` is the `rest` of the page before."""

    text: str = ""
    category: str | None = None
    vendor_id: str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    sort: Sort = Sort.NEWEST
    after: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Count:
    """How many products have `value`."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class PriceCount:
    """How many products cost between the two, inclusive, in minor units; `max_price_minor` None is without end."""

    min_price_minor: int
    max_price_minor: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """One page of products, where to go on, and the size and shape of the whole result."""

    products: tuple[Product, ...] = ()
    rest: str | None = None
    total: int = 0
    categories: tuple[Count, ...] = ()
    vendors: tuple[Count, ...] = ()
    prices: tuple[PriceCount, ...] = ()


@dataclass(frozen=True, slots=True)
class SkuClaim:
    """Which product has a SKU."""

    product_id: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class CachedProduct:
    """A copy as of `version`; without a product when it was deleted then."""

    version: int
    product: Product | None


class ProductStore(Protocol):
    """The products of record. Every change is noted in a journal that search indexes follow."""

    async def add(self, product: Product, intakes: Sequence[Intake], at: datetime) -> None:
        """Save a new product, and what has come in with it for `list_intakes` and the sweep. Raises SkuTaken."""

    async def find(self, product_id: str) -> Product | None: ...

    async def find_many(self, product_ids: Iterable[str]) -> dict[str, Product]:
        """Those that exist, by id."""

    async def find_sku(self, sku: str) -> SkuClaim | None: ...

    async def update(self, product_id: str, decide: Callable[[Product], Product]) -> Product:
        """Save what the pure `decide` makes of the product. Raises ProductNotFound, and what `decide` raises."""

    async def remove(self, product_id: str, check: Callable[[Product], None]) -> Product:
        """Delete the product unless `check` raises, and free its SKU; what it was. Raises ProductNotFound."""

    async def list_intakes(self, product_id: str) -> tuple[str, tuple[Intake, ...]]:
        """The SKU and what has come in and was not yet cleared."""

    async def clear_intakes(self, product_id: str) -> None: ...

    async def sweep_intakes(self, until: datetime, look: Callable[[str], Awaitable[None]]) -> None:
        """Call `look` with each product id added with intakes before `until` that no sweep has finished; what it raises ends the sweep."""


class ProductCache(Protocol):
    """Copies of products that may be lost at any time. It never fails and never goes back to an older version of a product."""

    async def find_many(self, product_ids: Sequence[str]) -> dict[str, CachedProduct]:
        """The copies that there are, by product id."""

    async def offer(self, copies: Mapping[str, CachedProduct]) -> None:
        """A reader's copies, by product id: each kept unless one is there."""

    async def replace(self, product_id: str, copy: CachedProduct) -> None:
        """A writer's copy: kept now, or as soon as the cache answers again; until then this replica finds it all the same."""

    async def forget(self, product_id: str) -> None: ...


class Search(Protocol):
    """The read model that lists answer from."""

    async def search(self, query: SearchQuery) -> Found:
        """Raises CursorInvalid."""

    async def count_categories(self) -> tuple[Count, ...]:
        """All categories in use, by slug."""

    async def refresh(self, product_id: str) -> None:
        """Have this replica's lists show the product as it is stored now."""


class Inventory(Protocol):
    async def find_available(self, skus: Sequence[str], *, fresh: bool = False) -> dict[str, int] | None:
        """Units that can be bought, by SKU; None when inventory does not answer soon.

        A fresh answer is asked for and not remembered: stock that is on its way shows as soon as it is there.
        """

    async def receive(self, product_id: str, sku: str, intake: Intake) -> bool:
        """Add the intake to the stock, once however often it is sent; whether it is settled, taken or refused for good."""


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...

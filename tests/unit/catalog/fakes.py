"""Stand-ins for what the catalog needs from outside, and builders for products."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.catalog.changes import START, ChangeJournal
from apps.catalog.domain import Details, Intake, Product
from apps.catalog.feed import SearchFeed
from apps.catalog.index import ProductIndex
from apps.catalog.ports import CachedProduct
from apps.catalog.store import DaprProductStore
from apps.shared.money import Money
from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.state import StateStore
from tests.unit.fakes import MemorySidecar

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def product_id(number: int) -> str:
    return f"prd_{number:026d}"


def make_product(number: int = 1, **changes: Any) -> Product:
    """Product `number`: created `number` seconds after NOW, at `number` dollars."""
    fields: dict[str, Any] = {
        "id": product_id(number),
        "sku": f"SKU-{number}",
        "name": f"Product {number}",
        "description": "",
        "category": "audio",
        "price": Money(number * 100, "USD"),
        "vendor_id": "usr_vendor",
        "created_at": NOW + timedelta(seconds=number),
        "updated_at": NOW + timedelta(seconds=number),
    }
    return Product(**{**fields, **changes})


def make_details(**changes: Any) -> Details:
    fields: dict[str, Any] = {
        "name": "Lamp",
        "description": "Warm light.",
        "category": "lighting",
        "price": Money(4_900, "USD"),
    }
    return Details(**{**fields, **changes})


class FlakySidecar(MemorySidecar):
    """Lets others run at every call; answers nothing while `down`."""

    down = False

    async def call(self, method: str, path: str, *, json: Any = None, **rest: Any) -> Any:
        await asyncio.sleep(0)
        if self.down:
            raise SidecarError(f"{method} {path}", 0, "", "down")
        if path.endswith("/state/memory"):
            try:
                operations = [{"operation": "upsert", "request": request} for request in json]
                return await super().call(method, f"{path}/transaction", json={"operations": operations})
            except SidecarError as error:
                raise SidecarError("save", 500, "ERR_STATE_SAVE", str(error)) from error
        return await super().call(method, path, json=json, **rest)


class MemoryState(StateStore):
    """A state store in memory; several replicas may share it."""

    def __init__(self) -> None:
        self.sidecar = FlakySidecar()
        super().__init__(self.sidecar, "memory")  # type: ignore[arg-type]

    @property
    def reads(self) -> int:
        return self.sidecar.calls.count("bulk")

    def intakes(self) -> list[str]:
        return [key for key in self.sidecar.documents if key.startswith("intakes/")]


class Replica:
    """One replica's store and search index over a state store that it may share."""

    def __init__(self, state: StateStore, *, poll_seconds: float = 3600) -> None:
        changes = ChangeJournal(state)
        self.store = DaprProductStore(state, changes)
        self.feed = SearchFeed(
            index=ProductIndex(), products=self.store, changes=changes, start=START, poll_seconds=poll_seconds
        )


class FakeCache:
    """Keeps copies as `ports.ProductCache` says, and the calls that came."""

    def __init__(self) -> None:
        self.copies: dict[str, CachedProduct] = {}
        self.calls: list[str] = []

    async def find_many(self, product_ids: Sequence[str]) -> dict[str, CachedProduct]:
        self.calls.append("find")
        return {product_id: self.copies[product_id] for product_id in product_ids if product_id in self.copies}

    async def offer(self, copies: Mapping[str, CachedProduct]) -> None:
        self.calls.append("offer")
        self.copies = {**copies, **self.copies}

    async def replace(self, product_id: str, copy: CachedProduct) -> None:
        self.calls.append("replace")
        kept = self.copies.get(product_id)
        if kept is None or kept.version < copy.version:
            self.copies[product_id] = copy

    async def forget(self, product_id: str) -> None:
        self.calls.append("forget")
        self.copies.pop(product_id, None)


class FakeInventory:
    """Counts receipts once by product and warehouse. `absent` makes it answer nothing."""

    def __init__(self, **available: int) -> None:
        self.available = available
        self.absent = False
        self.questions: list[list[str]] = []
        self.receipts: dict[tuple[str, str], tuple[str, int]] = {}

    async def find_available(self, skus: Sequence[str], *, fresh: bool = False) -> dict[str, int] | None:
        self.questions.append(list(skus))
        return None if self.absent else {sku: self.available.get(sku, 0) for sku in skus}

    async def receive(self, product_id: str, sku: str, intake: Intake) -> bool:
        if not self.absent:
            self.receipts.setdefault((product_id, intake.warehouse), (sku, intake.quantity))
        return not self.absent


class FakeClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


class CountingIds:
    def __init__(self) -> None:
        self._last = 0

    def new(self, prefix: str) -> str:
        self._last += 1
        return f"{prefix}_{self._last:026d}"


async def add_all(store: DaprProductStore, products: Iterable[Product]) -> None:
    for product in products:
        await store.add(product, (), NOW)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 5.0) -> None:
    """Wait for `condition`; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)

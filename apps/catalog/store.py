"""ProductStore over Dapr state.

Documents: `product/<id>`; `sku/<sku>`, while a product has it; `intakes/<product id>`, until inventory has them; the change journal;
products with intakes by minute.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.catalog.changes import ChangeJournal
from apps.catalog.domain import Intake, Product, ProductNotFound, SkuTaken, is_product_id
from apps.catalog.ports import SkuClaim
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore, Transaction

BATCH = 500
"""Most documents of one bulk get."""

_SKU = re.compile(r"[A-Za-z0-9._-]{1,64}")
_intakes = MinuteJournal("catalog-intakes")


@dataclass(frozen=True)
class StoredIntakes:
    """What came in with a new product and may not be in its stock yet."""

    sku: str
    intakes: tuple[Intake, ...]


class DaprProductStore:
    """See `ports.ProductStore`."""

    def __init__(self, state: StateStore, changes: ChangeJournal) -> None:
        self._state, self._changes = state, changes

    async def add(self, product: Product, intakes: Sequence[Intake], at: datetime) -> None:
        document, sku_key, intakes_key = _product_key(product.id), _sku_key(product.sku), _intakes_key(product.id)
        keys = [document, sku_key, self._changes.key(product.id)]
        if intakes:
            keys += [intakes_key, *_intakes.keys(product.id, at)]

        def decide(transaction: Transaction) -> None:
            claim = transaction.find(sku_key, SkuClaim)
            if claim is not None:
                if claim.product_id != product.id:
                    raise SkuTaken(product.sku)
                return
            transaction.put(document, product)
            transaction.put(sku_key, SkuClaim(product.id, product.vendor_id))
            self._changes.note(transaction, product.id)
            if intakes:
                transaction.put(intakes_key, StoredIntakes(product.sku, tuple(intakes)))
                _intakes.append(transaction, product.id, at)

        async with self._changes.turn(product.id):
            await self._state.transact(keys, decide)

    async def find(self, product_id: str) -> Product | None:
        if not is_product_id(product_id):
            return None
        return await self._state.find(_product_key(product_id), Product)

    async def find_many(self, product_ids: Iterable[str]) -> dict[str, Product]:
        wanted = [product_id for product_id in dict.fromkeys(product_ids) if is_product_id(product_id)]
        found: dict[str, Product] = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            loaded = await self._state.load([_product_key(product_id) for product_id in batch])
            for product_id in batch:
                product = loaded.find(_product_key(product_id), Product)
                if product is not None:
                    found[product_id] = product
        return found

    async def find_sku(self, sku: str) -> SkuClaim | None:
        if not _SKU.fullmatch(sku):
            return None
        return await self._state.find(_sku_key(sku), SkuClaim)

    async def update(self, product_id: str, decide: Callable[[Product], Product]) -> Product:
        document = _product_key(product_id)

        def apply(transaction: Transaction) -> Product:
            product = transaction.find(document, Product)
            if product is None:
                raise ProductNotFound(product_id)
            changed = decide(product)
            if changed != product:
                transaction.put(document, changed)
                self._changes.note(transaction, product_id)
            return changed

        async with self._changes.turn(product_id):
            return await self._state.transact([document, self._changes.key(product_id)], apply)

    async def remove(self, product_id: str, check: Callable[[Product], None]) -> Product:
        known = await self.find(product_id)
        if known is None:
            raise ProductNotFound(product_id)
        document, sku_key = _product_key(product_id), _sku_key(known.sku)

        def apply(transaction: Transaction) -> Product:
            product = transaction.find(document, Product)
            if product is None:
                raise ProductNotFound(product_id)
            check(product)
            transaction.delete(document)
            transaction.delete(sku_key)
            self._changes.note(transaction, product_id)
            return product

        async with self._changes.turn(product_id):
            return await self._state.transact([document, sku_key, self._changes.key(product_id)], apply)

    async def list_intakes(self, product_id: str) -> tuple[str, tuple[Intake, ...]]:
        stored = await self._state.find(_intakes_key(product_id), StoredIntakes)
        return (stored.sku, stored.intakes) if stored else ("", ())

    async def clear_intakes(self, product_id: str) -> None:
        key = _intakes_key(product_id)
        await self._state.transact([key], lambda transaction: transaction.delete(key))

    async def sweep_intakes(self, until: datetime, look: Callable[[str], Awaitable[None]]) -> None:
        await _intakes.sweep(self._state, until=until, look=look)


def _product_key(product_id: str) -> str:
    return f"product/{product_id}"


def _sku_key(sku: str) -> str:
    return f"sku/{sku}"


def _intakes_key(product_id: str) -> str:
    return f"intakes/{product_id}"

"""The use cases of the catalog: putting on sale, changing, finding, and what peers ask."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from apps.catalog import domain
from apps.catalog.domain import Details, Editor, Intake, Product, ProductNotFound
from apps.catalog.ports import (
    CachedProduct,
    Clock,
    Count,
    Found,
    Ids,
    Inventory,
    ProductCache,
    ProductStore,
    Search,
    SearchQuery,
)
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.catalog import Offer, Offers, SkuOwner


class CatalogService:
    """A change is saved first; the cache and this replica's lists show it when the use case returns."""

    def __init__(
        self,
        *,
        store: ProductStore,
        cache: ProductCache,
        search: Search,
        inventory: Inventory,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store, self._cache, self._search, self._inventory = store, cache, search, inventory
        self._clock, self._ids = clock, ids

    async def create(self, *, sku: str, details: Details, vendor_id: str, intakes: Sequence[Intake]) -> Product:
        """Put a new product on sale. Raises SkuTaken.

        The intakes are saved with it and sent to inventory now, or by the sweep when inventory does not answer: each counts once.
        """
        now = self._clock.now()
        product = domain.new_product(
            product_id=self._ids.new("prd"), sku=sku, details=details, vendor_id=vendor_id, at=now
        )
        await self._store.add(product, intakes, now)
        if intakes:
            await self._deliver_intakes(product.id)
        await self._search.refresh(product.id)
        return product

    async def get(self, product_id: str) -> Product:
        """At most as old as the cache allows, see `cache`. Raises ProductNotFound."""
        _check_id(product_id)
        found = await self.get_many([product_id])
        if product_id not in found:
            raise ProductNotFound(product_id)
        return found[product_id]

    async def get_many(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """Those of the products that there are, by id; each at most as old as the cache allows."""
        copies = await self._cache.find_many(product_ids)
        missing = [product_id for product_id in product_ids if product_id not in copies]
        if missing:
            stored = await self._store.find_many(missing)
            fresh = {product_id: CachedProduct(product.version, product) for product_id, product in stored.items()}
            if fresh:
                await self._cache.offer(fresh)
            copies |= fresh
        return {product_id: copy.product for product_id, copy in copies.items() if copy.product is not None}

    async def update(
        self,
        product_id: str,
        details: Details,
        *,
        sku: str | None,
        editor: Editor,
        expected_versions: frozenset[int] | None,
    ) -> Product:
        """Raises ProductNotFound, and as `domain.revise`."""
        now = self._clock.now()
        _check_id(product_id)
        await self._cache.forget(product_id)
        product = await self._store.update(
            product_id,
            lambda found: domain.revise(
                found, details, sku=sku, editor=editor, expected_versions=expected_versions, at=now
            ),
        )
        await self._cache.replace(product_id, CachedProduct(product.version, product))
        await self._search.refresh(product_id)
        return product

    async def remove(self, product_id: str, editor: Editor) -> None:
        """Take the product off sale for good; its SKU may be used again. Raises ProductNotFound, ProductForeign."""
        _check_id(product_id)
        await self._cache.forget(product_id)
        product = await self._store.remove(product_id, lambda found: domain.check_owner(found, editor))
        await self._cache.replace(product_id, CachedProduct(product.version + 1, None))
        await self._search.refresh(product_id)

    async def search(self, query: SearchQuery) -> Found:
        """Raises CursorInvalid."""
        return await self._search.search(query)

    async def count_categories(self) -> tuple[Count, ...]:
        return await self._search.count_categories()

    async def find_available(self, products: Iterable[Product], *, fresh: bool = False) -> dict[str, int]:
        """Units that can be bought, by SKU, of this moment or, unless fresh, a short one ago; empty when inventory does not answer soon."""
        skus = [product.sku for product in products]
        return (await self._inventory.find_available(skus, fresh=fresh) or {}) if skus else {}

    async def quote(self, product_ids: Iterable[str]) -> Offers:
        """The offers of now, from the store itself: an order is placed at these prices."""
        found = await self._store.find_many(product_ids)
        return Offers(
            offers=tuple(
                Offer(
                    product_id=product.id,
                    sku=product.sku,
                    name=product.name,
                    price=Amount.of(product.price),
                    vendor_id=product.vendor_id,
                )
                for product in found.values()
            )
        )

    async def get_sku(self, sku: str) -> SkuOwner:
        """Raises SkuUnknown."""
        claim = await self._store.find_sku(sku)
        if claim is None:
            raise domain.SkuUnknown(sku)
        return SkuOwner(sku=sku, product_id=claim.product_id, vendor_id=claim.vendor_id)

    async def sweep(self, grace: timedelta) -> None:
        """Send again what came in with new products at least `grace` ago and may not have reached inventory."""
        await self._store.sweep_intakes(self._clock.now() - grace, self._look_again)

    async def _look_again(self, product_id: str) -> None:
        if not await self._deliver_intakes(product_id):
            raise InventoryAbsent(product_id)

    async def _deliver_intakes(self, product_id: str) -> bool:
        sku, intakes = await self._store.list_intakes(product_id)
        for intake in intakes:
            if not await self._inventory.receive(product_id, sku, intake):
                return False
        if intakes:
            await self._store.clear_intakes(product_id)
        return True


def _check_id(product_id: str) -> None:
    if not domain.is_product_id(product_id):
        raise ProductNotFound(product_id)


class InventoryAbsent(Exception):
    """Ends a sweep: inventory does not answer, so the next sweep begins here again."""

    def __init__(self, product_id: str) -> None:
        super().__init__(f"inventory did not take the first stock of {product_id}")
        self.product_id = product_id

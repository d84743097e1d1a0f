"""The use cases over a store in memory."""

from datetime import timedelta

import pytest

from apps.catalog import domain
from apps.catalog.domain import Editor, Intake, Product
from apps.catalog.ports import CachedProduct, Inventory, SearchQuery, Sort
from apps.catalog.service import CatalogService
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.catalog import Offer, SkuOwner
from tests.unit.catalog.fakes import (
    CountingIds,
    FakeCache,
    FakeClock,
    FakeInventory,
    MemoryState,
    Replica,
    make_details,
    product_id,
)

OWNER = Editor("usr_vendor", is_admin=False)
OTHER = Editor("usr_other", is_admin=False)


class Shop:
    def __init__(self) -> None:
        self.state = MemoryState()
        self.replica = Replica(self.state)
        self.cache, self.inventory, self.clock = FakeCache(), FakeInventory(), FakeClock()
        inventory: Inventory = self.inventory
        self.service = CatalogService(
            store=self.replica.store,
            cache=self.cache,
            search=self.replica.feed,
            inventory=inventory,
            clock=self.clock,
            ids=CountingIds(),
        )

    async def create(self, sku: str = "LMP-1", *intakes: Intake) -> Product:
        return await self.service.create(sku=sku, details=make_details(), vendor_id="usr_vendor", intakes=intakes)

    async def update(self, product: Product, **changes: object) -> Product:
        return await self.service.update(
            product.id, make_details(**changes), sku=None, editor=OWNER, expected_versions=None
        )

    async def listed(self) -> list[str]:
        found = await self.service.search(SearchQuery(sort=Sort.NEWEST))
        return [product.name for product in found.products]


async def test_a_new_product_is_found_everywhere_at_once() -> None:
    shop = Shop()
    product = await shop.create()
    assert product.id == product_id(1)
    assert await shop.service.get(product.id) == product
    assert await shop.listed() == ["Lamp"]
    assert [(count.value, count.count) for count in await shop.service.count_categories()] == [("lighting", 1)]
    assert await shop.service.get_sku("LMP-1") == SkuOwner(sku="LMP-1", product_id=product.id, vendor_id="usr_vendor")
    with pytest.raises(domain.SkuTaken):
        await shop.create()


async def test_a_change_is_seen_everywhere_at_once() -> None:
    shop = Shop()
    product = await shop.create()
    await shop.service.get(product.id)
    changed = await shop.update(product, name="Torch")
    assert (changed.version, (await shop.service.get(product.id)).name) == (2, "Torch")
    assert await shop.listed() == ["Torch"]
    assert (await shop.service.quote([product.id])).offers[0].name == "Torch"


async def test_a_removed_product_is_gone_everywhere_at_once_and_for_good() -> None:
    shop = Shop()
    product = await shop.create()
    await shop.service.get(product.id)
    await shop.service.remove(product.id, OWNER)
    await shop.cache.offer({product.id: CachedProduct(product.version, product)})
    with pytest.raises(domain.ProductNotFound):
        await shop.service.get(product.id)
    with pytest.raises(domain.ProductNotFound):
        await shop.service.remove(product.id, OWNER)
    with pytest.raises(domain.ProductNotFound):
        await shop.update(product)
    with pytest.raises(domain.SkuUnknown):
        await shop.service.get_sku("LMP-1")
    assert await shop.listed() == []
    assert (await shop.service.quote([product.id])).offers == ()
    assert (await shop.create()).id != product.id


async def test_nobody_else_changes_or_removes_a_product() -> None:
    shop = Shop()
    product = await shop.create()
    with pytest.raises(domain.ProductForeign):
        await shop.service.update(product.id, make_details(name="Mine"), sku=None, editor=OTHER, expected_versions=None)
    with pytest.raises(domain.ProductForeign):
        await shop.service.remove(product.id, OTHER)
    assert await shop.service.get(product.id) == product


async def test_a_stale_editor_is_refused_and_changes_nothing() -> None:
    shop = Shop()
    product = await shop.create()
    await shop.update(product, name="Torch")
    with pytest.raises(domain.ProductChanged):
        await shop.service.update(
            product.id, make_details(name="Late"), sku=None, editor=OWNER, expected_versions=frozenset({1})
        )
    assert (await shop.service.get(product.id)).name == "Torch"


async def test_a_product_is_read_from_the_cache_once_it_is_there() -> None:
    shop = Shop()
    product = await shop.create()
    await shop.service.get(product.id)
    shop.state.sidecar.down = True
    assert await shop.service.get(product.id) == product


async def test_a_reader_with_an_old_copy_does_not_undo_a_writer() -> None:
    shop = Shop()
    product = await shop.create()
    await shop.update(product, name="Torch")
    await shop.cache.offer({product.id: CachedProduct(1, product)})
    assert (await shop.service.get(product.id)).name == "Torch"


async def test_a_writer_forgets_the_copy_before_it_saves() -> None:
    shop = Shop()
    product = await shop.create()
    await shop.service.get(product.id)
    shop.cache.calls.clear()
    await shop.update(product, name="Torch")
    assert shop.cache.calls == ["forget", "replace"]


async def test_ids_that_no_product_has_reach_neither_cache_nor_store() -> None:
    shop = Shop()
    with pytest.raises(domain.ProductNotFound):
        await shop.service.get("prd_a||b")
    with pytest.raises(domain.ProductNotFound):
        await shop.service.remove("a||b", OWNER)
    assert (shop.cache.calls, shop.state.reads) == ([], 0)


async def test_quotes_leave_out_what_is_not_for_sale_and_ask_the_store_once() -> None:
    shop = Shop()
    product = await shop.create()
    shop.state.sidecar.calls.clear()
    offers = await shop.service.quote([product.id, product_id(99), product.id, "nonsense||"])
    assert offers.offers == (
        Offer(
            product_id=product.id,
            sku="LMP-1",
            name="Lamp",
            price=Amount(amount_minor=4_900, currency="USD"),
            vendor_id="usr_vendor",
        ),
    )
    assert shop.state.reads == 1
    assert shop.cache.calls == []


async def test_first_stock_reaches_inventory_at_once() -> None:
    shop = Shop()
    product = await shop.create("LMP-1", Intake("east", 5), Intake("west", 3))
    assert shop.inventory.receipts == {(product.id, "east"): ("LMP-1", 5), (product.id, "west"): ("LMP-1", 3)}
    assert shop.state.intakes() == []


async def test_first_stock_is_not_lost_when_inventory_is_away() -> None:
    shop = Shop()
    shop.inventory.absent = True
    product = await shop.create("LMP-1", Intake("east", 5))
    shop.clock.time += timedelta(minutes=10)
    await shop.service.sweep(timedelta(minutes=1))
    assert shop.inventory.receipts == {}
    shop.inventory.absent = False
    shop.clock.time += timedelta(minutes=10)
    await shop.service.sweep(timedelta(minutes=1))
    await shop.service.sweep(timedelta(minutes=1))
    assert shop.inventory.receipts == {(product.id, "east"): ("LMP-1", 5)}
    assert shop.state.intakes() == []


async def test_availability_is_unknown_when_inventory_is_away() -> None:
    shop = Shop()
    product = await shop.create()
    shop.inventory.available["LMP-1"] = 4
    assert await shop.service.find_available([product]) == {"LMP-1": 4}
    shop.inventory.absent = True
    assert await shop.service.find_available([product]) == {}
    assert await shop.service.find_available([]) == {}

"""Search indexes that follow one store: own writes at once, the others' soon, all of it again after a restart."""

import asyncio
from dataclasses import replace

import pytest

from apps.catalog.changes import START, ChangeJournal
from apps.catalog.domain import Product, SkuTaken
from apps.catalog.ports import SearchQuery, SkuClaim
from apps.shared.platform.sidecar import SidecarError
from tests.unit.catalog.fakes import NOW, MemoryState, Replica, add_all, make_product, product_id, until


async def ids(replica: Replica) -> list[str]:
    found = await replica.feed.search(SearchQuery(limit=100))
    return [product.id for product in found.products]


async def test_two_replicas_over_one_store() -> None:
    state = MemoryState()
    left, right = Replica(state), Replica(state, poll_seconds=0.02)
    await left.feed.start()
    await right.feed.start()
    try:
        await left.store.add(make_product(1), (), NOW)
        await left.feed.refresh(product_id(1))
        assert await ids(left) == [product_id(1)]

        async def right_has_it() -> bool:
            return await ids(right) == [product_id(1)]

        await until(right_has_it)
        await right.store.remove(product_id(1), lambda _: None)
        await right.feed.refresh(product_id(1))
        assert await ids(right) == []
        assert await ids(left) == [product_id(1)]
        assert await left.feed.catch_up() == 1
        assert await ids(left) == []
    finally:
        await left.feed.stop()
        await right.feed.stop()


async def test_a_restarted_replica_shows_all_that_was_saved_also_what_nobody_was_told_of() -> None:
    state = MemoryState()
    before = Replica(state)
    await before.feed.start()
    await add_all(before.store, (make_product(number) for number in range(2_500)))
    await before.store.update(product_id(3), lambda product: replace(product, name="Renamed", version=2))
    await before.store.remove(product_id(4), lambda _: None)
    await before.feed.stop()

    after = Replica(state)
    await after.feed.start()
    found = await after.feed.search(SearchQuery(limit=1))
    assert found.total == 2_499
    renamed = await after.feed.search(SearchQuery(text="renamed"))
    assert [product.id for product in renamed.products] == [product_id(3)]
    await after.feed.stop()


async def test_catching_up_reads_only_what_is_new() -> None:
    state = MemoryState()
    replica = Replica(state)
    await add_all(replica.store, (make_product(number) for number in range(1_000)))
    assert await replica.feed.catch_up() == 1_000
    await add_all(replica.store, [make_product(1_000)])
    assert await replica.feed.catch_up() == 1
    state.sidecar.calls.clear()
    assert await replica.feed.catch_up() == 0
    assert state.reads == 1


async def test_concurrent_writers_each_see_their_own_write() -> None:
    state = MemoryState()
    replicas = [Replica(state), Replica(state)]
    for replica in replicas:
        await replica.feed.start()

    async def write(number: int) -> bool:
        replica = replicas[number % 2]
        await replica.store.add(make_product(number), (), NOW)
        await replica.feed.refresh(product_id(number))
        return product_id(number) in await ids(replica)

    assert all(await asyncio.gather(*(write(number) for number in range(60))))
    for replica in replicas:
        await replica.feed.catch_up()
        assert len(await ids(replica)) == 60
        await replica.feed.stop()


async def test_a_store_that_is_down_fails_no_write_and_is_followed_again_later() -> None:
    state = MemoryState()
    replica = Replica(state)
    await replica.feed.start()
    await replica.store.add(make_product(1), (), NOW)
    state.sidecar.down = True
    await replica.feed.refresh(product_id(1))
    with pytest.raises(SidecarError):
        await replica.feed.catch_up()
    assert await ids(replica) == []
    state.sidecar.down = False
    assert await replica.feed.catch_up() == 1
    assert await ids(replica) == [product_id(1)]
    await replica.feed.stop()


async def test_an_older_version_never_replaces_a_newer_one() -> None:
    state = MemoryState()
    replica = Replica(state)
    await replica.feed.start()
    await replica.store.add(make_product(1), (), NOW)

    async def rename() -> Product:
        product = await replica.store.update(product_id(1), lambda found: replace(found, version=found.version + 1))
        await replica.feed.refresh(product_id(1))
        shown = (await replica.feed.search(SearchQuery())).products[0]
        assert shown.version >= product.version
        return product

    await asyncio.gather(*(rename() for _ in range(20)), *(replica.feed.catch_up() for _ in range(20)))
    assert (await replica.feed.search(SearchQuery())).products[0].version == 21
    await replica.feed.stop()


async def test_the_journal_names_a_product_once_however_often_it_changed() -> None:
    state = MemoryState()
    changes = ChangeJournal(state)
    store = Replica(state).store
    await store.add(make_product(1), (), NOW)
    for _ in range(250):
        await store.update(product_id(1), lambda found: replace(found, version=found.version + 1))
    changed, positions = await changes.read(START)
    assert (changed, sum(positions)) == ([product_id(1)], 251)
    await store.add(make_product(2), (), NOW)
    assert (await changes.read(positions))[0] == [product_id(2)]


async def test_a_sku_belongs_to_one_product_until_that_is_gone() -> None:
    store = Replica(MemoryState()).store
    await store.add(make_product(1, sku="A"), (), NOW)
    await store.add(make_product(1, sku="A"), (), NOW)
    with pytest.raises(SkuTaken):
        await store.add(make_product(2, sku="A"), (), NOW)
    assert await store.find(product_id(2)) is None
    assert await store.find_sku("A") == SkuClaim(product_id(1), "usr_vendor")
    await store.remove(product_id(1), lambda _: None)
    assert await store.find_sku("A") is None
    await store.add(make_product(2, sku="A"), (), NOW)
    assert await store.find_sku("A") == SkuClaim(product_id(2), "usr_vendor")


@pytest.mark.parametrize("odd", ["", "prd_", "prd_a||b", "prd_" + "a" * 500, "usr_1", "prd_1/../x", "prd_\n"])
async def test_ids_that_no_product_has_are_not_asked_for(odd: str) -> None:
    state = MemoryState()
    store = Replica(state).store
    assert await store.find(odd) is None
    assert await store.find_many([odd]) == {}
    assert await store.find_sku("a||b") is None
    assert state.reads == 0

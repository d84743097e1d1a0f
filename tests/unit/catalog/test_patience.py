"""What the service can do without: limits, rests, and what is remembered meanwhile."""

import asyncio

import pytest

from apps.catalog.availability import RememberedAvailability
from apps.catalog.cache import DaprProductCache
from apps.catalog.patience import Patience
from apps.catalog.ports import CachedProduct
from apps.shared.platform.sidecar import SidecarError
from tests.unit.catalog.fakes import FakeInventory, MemoryState, make_product, product_id


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Helper:
    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.delay_seconds = 0.0

    async def __call__(self) -> int:
        self.calls += 1
        await asyncio.sleep(self.delay_seconds)
        if self.error is not None:
            raise self.error
        return self.calls


async def test_a_failure_is_remembered_for_the_rest_time() -> None:
    ticks, helper = Ticks(), Helper()
    patience = Patience("it", (OSError,), rest_seconds=1.0, monotonic=ticks)
    helper.error = OSError()
    assert await patience.ask(helper) is None
    helper.error = None
    assert await patience.ask(helper) is None
    assert helper.calls == 1
    assert await patience.ask(helper, insist=True) == 2
    ticks.now += 1.0
    assert await patience.ask(helper) == 3


async def test_a_slow_answer_is_none() -> None:
    helper = Helper()
    helper.delay_seconds = 30
    assert await Patience("it", (), limit_seconds=0.01).ask(helper) is None


async def test_other_errors_pass_through() -> None:
    helper = Helper()
    helper.error = KeyError("bug")
    with pytest.raises(KeyError):
        await Patience("it", (OSError,)).ask(helper)


async def test_availability_is_asked_once_a_second_for_each_sku() -> None:
    ticks, inventory = Ticks(), FakeInventory(A=1, B=2)
    remembered = RememberedAvailability(inventory, seconds=1.0, monotonic=ticks)
    assert await remembered.find_available(["A"]) == {"A": 1}
    inventory.available["A"] = 9
    assert await remembered.find_available(["B", "A", "B"]) == {"A": 1, "B": 2}
    assert inventory.questions == [["A"], ["B"]]
    ticks.now += 1.0
    assert await remembered.find_available(["A"]) == {"A": 9}
    inventory.absent = True
    assert await remembered.find_available(["A"]) == {"A": 9}
    assert await remembered.find_available(["A", "C"]) is None


async def test_those_who_ask_at_the_same_time_share_a_question_also_one_without_an_answer() -> None:
    inventory = FakeInventory(A=1, B=2, C=3)
    remembered = RememberedAvailability(inventory, seconds=60)
    questions = [["A", "B"], ["B", "C"], ["C"]]
    answers = await asyncio.gather(*(remembered.find_available(skus) for skus in questions))
    assert answers == [{"A": 1, "B": 2}, {"B": 2, "C": 3}, {"C": 3}]
    assert inventory.questions == [["A", "B", "C"]]
    inventory.absent = True
    assert await asyncio.gather(*(remembered.find_available([sku]) for sku in "XY")) == [None, None]
    assert inventory.questions[1:] == [["X", "Y"]]


async def test_a_fresh_answer_is_not_remembered() -> None:
    inventory = FakeInventory(A=0)
    remembered = RememberedAvailability(inventory, seconds=60)
    assert await remembered.find_available(["A"], fresh=True) == {"A": 0}
    inventory.available["A"] = 7
    assert await remembered.find_available(["A"]) == {"A": 7}


async def find(cache: DaprProductCache, product_id: str) -> CachedProduct | None:
    return (await cache.find_many([product_id])).get(product_id)


async def test_the_cache_never_goes_back() -> None:
    cache = DaprProductCache(MemoryState())
    old, new = CachedProduct(1, make_product(1)), CachedProduct(2, make_product(1, name="New", version=2))
    assert await find(cache, product_id(1)) is None
    await cache.offer({product_id(1): old})
    await cache.replace(product_id(1), new)
    await cache.offer({product_id(1): old})
    assert await find(cache, product_id(1)) == new
    await cache.replace(product_id(1), CachedProduct(3, None))
    await cache.replace(product_id(1), new)
    await cache.offer({product_id(1): new})
    assert await find(cache, product_id(1)) == CachedProduct(3, None)
    await cache.forget(product_id(1))
    assert await find(cache, product_id(1)) is None


async def test_a_dead_cache_fails_nothing() -> None:
    state = MemoryState()
    cache = DaprProductCache(state)
    state.sidecar.down = True
    assert await find(cache, product_id(1)) is None
    await cache.offer({product_id(1): CachedProduct(1, make_product(1))})
    await cache.forget(product_id(1))


async def test_what_a_dead_cache_did_not_take_from_a_writer_reaches_it_later() -> None:
    state, ticks = MemoryState(), Ticks()
    cache, other = DaprProductCache(state), DaprProductCache(state)
    cache._patience = Patience("cache", (SidecarError,), monotonic=ticks)
    old, new = CachedProduct(1, make_product(1)), CachedProduct(2, make_product(1, name="New", version=2))
    await cache.offer({product_id(1): old})
    state.sidecar.down = True
    await cache.forget(product_id(1))
    await cache.replace(product_id(1), new)
    assert await find(cache, product_id(1)) == new
    state.sidecar.down = False
    assert await find(other, product_id(1)) == old
    ticks.now += 1.0
    assert await find(cache, product_id(2)) is None
    assert await find(other, product_id(1)) == new


async def test_a_slow_reader_does_not_undo_a_writer_that_came_in_between() -> None:
    state = MemoryState()
    reader, writer = DaprProductCache(state), DaprProductCache(state)
    assert await find(reader, product_id(1)) is None
    new = CachedProduct(2, make_product(1, version=2))
    await asyncio.gather(
        reader.offer({product_id(1): CachedProduct(1, make_product(1))}), writer.replace(product_id(1), new)
    )
    assert await find(reader, product_id(1)) == new

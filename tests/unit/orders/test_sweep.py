"""What nobody carries on is ended, begun again or told by the sweep, and nothing else is."""

import pytest

from apps.orders import domain
from apps.orders.domain import Failure, Order
from apps.orders.sweep import MOST_BEGUN_AGAIN
from apps.shared.contracts.checkout import cancellation_id
from tests.unit.orders.room import GRACE, Room, crash, fail


async def test_the_sweep_tells_again_what_the_broker_has_lost_until_someone_has_heard_it(room: Room) -> None:
    await room.paid()
    room.notices.lost = {"ord_1:paid"}
    assert room.events.ids == ["ord_1:confirmed", "ord_1:paid"]
    await room.sweep_later()
    await room.sweep_later()
    assert room.events.ids == ["ord_1:confirmed", "ord_1:paid", "ord_1:paid", "ord_1:paid"]
    assert room.events.published[-1] == room.events.published[1]
    room.notices.lost = set()
    await room.sweep_later()
    await room.sweep_later()
    assert len(room.events.ids) == 4


async def test_the_sweep_gives_back_a_cart_whose_cancellation_the_broker_has_lost(room: Room) -> None:
    order = await room.place()
    await room.service.cancel(order.id, Failure("out_of_stock", "Sold out."))
    assert room.carts.lines == []
    await room.sweep_later()
    assert [line.product_id for line in room.carts.lines] == ["pen", "ink"]
    await room.sweep_later()
    assert len(room.carts.lines) == 2


async def test_the_sweep_looks_again_at_orders_of_which_nobody_could_say_who_has_heard(room: Room) -> None:
    order = await room.paid()
    await room.service.request_cancellation(order.id)
    await room.service.cancel(order.id, domain.BY_CUSTOMER)
    room.notices.lost = {"ord_1:confirmed", "ord_1:cancelled"}
    told, room.notices.told = room.notices.told, fail  # type: ignore[method-assign, assignment]
    await room.sweep_later()
    room.notices.told = told  # type: ignore[method-assign]
    await room.sweep_later()
    again = room.events.ids[3:]
    assert sorted(set(again)) == ["ord_1:cancelled", "ord_1:confirmed"]


async def test_the_sweep_starts_a_saga_again_that_broke_off(room: Room) -> None:
    order = await room.place()
    room.checkout.broke_off = True
    await room.sweep_later()
    assert room.checkout.started == [order.id, order.id]
    room.checkout.broke_off = False
    await room.sweep_later()
    assert room.checkout.started == [order.id, order.id]


async def test_the_sweep_ends_a_draft_whose_saga_was_never_started(room: Room) -> None:
    room.checkout.broken = True
    with pytest.raises(ConnectionError):
        await room.place()
    await room.sweep_later()
    order = await room.service.get("ord_1")
    assert order.failure == Failure("internal_error", "The order was not carried on after it was placed.")
    assert room.events.ids == ["ord_1:cancelled"]


async def test_the_sweep_leaves_a_running_saga_alone(room: Room) -> None:
    order = await room.place()
    await room.sweep_later()
    assert await room.service.get(order.id) == order
    assert room.events.ids == []


async def test_the_sweep_gives_back_a_cart_whose_order_was_never_saved(room: Room) -> None:
    room.catalog.quote = crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.place()
    assert room.carts.lines == []
    await room.sweep_later()
    assert [line.product_id for line in room.carts.lines] == ["pen", "ink"]


async def test_the_sweep_starts_a_cancellation_that_was_lost(room: Room) -> None:
    order = await room.paid()
    room.checkout.start_cancellation = crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.service.request_cancellation(order.id)
    del room.checkout.start_cancellation
    await room.sweep_later()
    assert set(room.checkout.cancellations) == {
        order.id
    }  # asked for again by each reminder: checkout knows it by its id


async def test_the_sweep_starts_a_saga_again_that_stands_still(room: Room) -> None:
    order = await room.place()
    room.checkout.went_on_at = room.clock.now()
    await room.sweep_later()
    assert (room.checkout.ended, room.checkout.started) == ([order.id], [order.id] * 2)
    await room.sweep_later()
    assert room.checkout.started == [order.id] * 3  # looked at until its order has ended


async def test_the_sweep_leaves_a_saga_alone_that_goes_on(room: Room) -> None:
    order = await room.place()
    room.clock.pass_time(minutes=10)
    room.checkout.went_on_at = room.clock.now() - GRACE
    await room.sweep.run(GRACE)
    assert (room.checkout.ended, room.checkout.started) == ([], [order.id])


async def test_the_sweep_starts_a_cancellation_again_that_stands_still(room: Room) -> None:
    order = await room.paid()
    await room.service.request_cancellation(order.id)
    room.checkout.went_on_at = room.clock.now()
    await room.sweep_later()
    assert (set(room.checkout.ended), room.checkout.started) == ({cancellation_id(order.id)}, [order.id])
    begun = len(room.checkout.cancellations)
    await room.sweep_later()
    assert len(room.checkout.cancellations) > begun


async def test_where_many_sagas_stand_still_few_are_begun_again_at_a_time(room: Room) -> None:
    orders: list[Order] = []
    for number in range(5):
        room.carts.lines = list(room.carts.taken[orders[-1].id]) if orders else room.carts.lines
        orders.append(await room.place(f"key {number}"))
    room.checkout.went_on_at = room.clock.now()
    await room.sweep_later()
    assert len(room.checkout.ended) == MOST_BEGUN_AGAIN
    await room.sweep_later()
    assert len(room.checkout.ended) == 2 * MOST_BEGUN_AGAIN

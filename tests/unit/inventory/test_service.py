"""Reservations under contention, repeats, and the sweep that never takes stock from a living order."""

import asyncio

import pytest

from apps.inventory import domain
from apps.inventory.domain import ReservationStatus
from apps.shared.contracts.orders import FailureCode
from apps.shared.contracts.step import StepOutcome
from tests.unit.fakes import MemorySidecar
from tests.unit.inventory.fakes import HOLD, Room, lines


@pytest.fixture
async def room() -> Room:
    room = Room()
    await room.service.receive(sku="A", warehouse="east", quantity=10)
    await room.service.receive(sku="B", warehouse="west", quantity=3)
    return room


async def test_a_reservation_is_two_round_trips_whatever_its_lines(room: Room) -> None:
    room.sidecar.calls.clear()
    assert await room.service.reserve("ord_1", lines(A=2, B=1)) == StepOutcome()
    assert room.sidecar.calls == ["bulk", "transaction"]


async def test_too_little_of_one_sku_reserves_nothing(room: Room) -> None:
    outcome = await room.service.reserve("ord_1", lines(A=2, B=4))
    assert outcome == StepOutcome(refusal=FailureCode.OUT_OF_STOCK, message="Only 3 of B left, 4 wanted.")
    assert await room.service.availability(["A", "B"]) == {"A": 10, "B": 3}


async def test_lines_of_one_sku_add_up(room: Room) -> None:
    outcome = await room.service.reserve("ord_1", [*lines(B=2), *lines(B=2)])
    assert outcome.refusal == FailureCode.OUT_OF_STOCK


@pytest.mark.parametrize("replicas", [1, 2])
async def test_many_buyers_of_few_units_never_oversell(replicas: int) -> None:
    sidecar = MemorySidecar()
    rooms = [Room(sidecar) for _ in range(replicas)]
    await rooms[0].service.receive(sku="A", warehouse="east", quantity=5)
    outcomes = await asyncio.gather(
        *(rooms[number % replicas].service.reserve(f"ord_{number}", lines(A=1)) for number in range(20))
    )
    assert sum(outcome.refusal is None for outcome in outcomes) == 5
    stock = await rooms[0].service.get("A")
    assert (stock.available, stock.reserved, stock.sold) == (0, 5, 0)


async def test_a_sale_and_its_return(room: Room) -> None:
    await room.service.reserve("ord_1", lines(A=2))
    for _ in range(3):
        await room.service.sell("ord_1")
    stock = await room.service.get("A")
    assert (stock.on_hand, stock.reserved, stock.sold) == (8, 0, 2)
    for _ in range(3):
        assert await room.service.release("ord_1") == StepOutcome()
    assert (await room.service.get("A")).available == 10


async def test_selling_without_a_reservation_is_a_fault(room: Room) -> None:
    with pytest.raises(domain.ReservationEnded):
        await room.service.sell("ord_x")


async def test_a_late_reserve_after_release_holds_nothing(room: Room) -> None:
    await room.service.release("ord_1")
    outcome = await room.service.reserve("ord_1", lines(A=1))
    assert outcome.refusal == FailureCode.INTERNAL_ERROR
    assert (await room.service.get("A")).reserved == 0


async def test_release_finds_a_reservation_made_after_it_looked(room: Room) -> None:
    find = room.store.find_reservation

    async def find_nothing_then_reserve(order_id: str) -> None:
        room.store.find_reservation = find  # type: ignore[method-assign]
        await room.service.reserve(order_id, lines(A=4))

    room.store.find_reservation = find_nothing_then_reserve  # type: ignore[method-assign]
    await room.service.release("ord_1")
    assert (await room.service.get("A")).available == 10


async def test_a_receipt_counts_once(room: Room) -> None:
    for _ in range(3):
        await room.service.receive(sku="A", warehouse="east", quantity=5, receipt_id="rcp_x")
    assert (await room.service.get("A")).received == 15


async def test_unknown_skus(room: Room) -> None:
    with pytest.raises(domain.SkuUnknown):
        await room.service.get("X")
    assert await room.service.availability(["X"]) == {"X": 0}


async def test_vendors_touch_their_own_skus_alone(room: Room) -> None:
    await room.service.check_owner("A", "usr_v")
    for sku, vendor in (("A", "usr_w"), ("B", "usr_v")):
        with pytest.raises(domain.SkuForeign):
            await room.service.check_owner(sku, vendor)


@pytest.mark.parametrize(
    ("order", "after"),
    [
        (None, ReservationStatus.RELEASED),
        ("cancelled", ReservationStatus.RELEASED),
        ("paid", ReservationStatus.SOLD),
        ("shipped", ReservationStatus.SOLD),
        ("draft", ReservationStatus.HELD),
        ("confirmed", ReservationStatus.HELD),
    ],
)
async def test_the_sweep_asks_the_order_first(room: Room, order: str | None, after: ReservationStatus) -> None:
    if order:
        room.orders.statuses["ord_1"] = order
    await room.service.reserve("ord_1", lines(A=1))
    await room.service.sweep(HOLD)
    assert room.orders.asked == []
    await room.sweep_later()
    assert await room.status("ord_1") is after


@pytest.mark.parametrize(
    ("answer", "meanwhile", "after", "available"),
    [
        ("confirmed", "sell", ReservationStatus.SOLD, 9),
        ("paid", "sell", ReservationStatus.SOLD, 9),
        ("paid", "release", ReservationStatus.RELEASED, 10),
        ("cancelled", "release", ReservationStatus.RELEASED, 10),
    ],
)
async def test_what_happens_while_the_sweep_asks_happens_once(
    room: Room, answer: str, meanwhile: str, after: ReservationStatus, available: int
) -> None:
    async def answer_late(order_id: str) -> str:
        await getattr(room.service, meanwhile)(order_id)
        return answer

    room.orders.find_status = answer_late  # type: ignore[method-assign]
    await room.service.reserve("ord_1", lines(A=1))
    await room.sweep_later()
    stock = await room.service.get("A")
    assert await room.status("ord_1") is after
    assert (stock.available, stock.reserved, stock.sold) == (available, 0, 10 - available)


async def test_the_sweep_comes_back_to_a_living_order(room: Room) -> None:
    room.orders.statuses["ord_1"] = "confirmed"
    await room.service.reserve("ord_1", lines(A=1))
    await room.sweep_later()
    room.orders.statuses["ord_1"] = "cancelled"
    await room.sweep_later()
    assert await room.status("ord_1") is ReservationStatus.RELEASED


async def test_an_audit_sees_every_sku_and_every_reservation_that_ever_held_stock(room: Room) -> None:
    await room.service.reserve("ord_1", lines(A=2, B=1))
    await room.service.reserve("ord_2", lines(A=100))
    room.clock.pass_time(hours=5)
    await room.service.reserve("ord_3", lines(A=1))
    await room.service.release("ord_3")
    await room.service.sell("ord_1")
    newest, rest = await room.service.list_stocks(before=None, limit=1)
    oldest, end = await room.service.list_stocks(before=rest, limit=1)
    assert [(stock.sku, stock.sold) for stock in (*newest, *oldest)] == [("B", 1), ("A", 2)]
    assert end is None
    first, place = await room.service.list_reservations(after=(0, 0), limit=1)
    assert place is not None
    second, _ = await room.service.list_reservations(after=place, limit=5)
    assert [(one.order_id, one.status) for one in (*first, *second)] == [
        ("ord_1", ReservationStatus.SOLD),
        ("ord_3", ReservationStatus.RELEASED),
    ]


async def test_an_audit_of_nothing() -> None:
    empty = Room()
    assert await empty.service.list_stocks(before=None, limit=9) == ([], None)
    assert await empty.service.list_reservations(after=(0, 0), limit=9) == ([], None)

"""Stock is never negative, never lost, and reserved for all lines of an order or for none."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inventory import domain
from apps.inventory.domain import Allocation, Reservation, ReservationStatus, Stock, Stocks
from tests.unit.fakes import NOON

LATER = NOON + timedelta(seconds=1)


def stock(sku: str, **on_hand: int) -> Stock:
    result = Stock(sku)
    for warehouse, quantity in on_hand.items():
        result = domain.receive(result, warehouse=warehouse, quantity=quantity)
    return result


def reserve(stocks: Stocks, **wanted: int) -> tuple[Reservation, Stocks]:
    return domain.reserve(None, order_id="ord_1", wanted=wanted, stocks=stocks, at=NOON)


def check(stocks: Stocks) -> None:
    for item in stocks.values():
        assert item.received == item.available + item.reserved + item.sold
        assert min(item.available, item.reserved, item.sold, 0) == 0
        assert all(0 <= shelf.reserved <= shelf.on_hand for shelf in item.shelves.values())


def test_all_lines_or_none() -> None:
    stocks = {"A": stock("A", east=5), "B": stock("B", east=1)}
    refused, same = reserve(stocks, A=1, B=2)
    assert (refused.status, refused.reason) == (ReservationStatus.REFUSED, "Only 1 of B left, 2 wanted.")
    assert same == stocks
    held, after = reserve(stocks, A=5, B=1)
    assert held.status is ReservationStatus.HELD
    assert [after[sku].available for sku in "AB"] == [0, 0]


def test_the_answer_is_the_same_when_asked_again() -> None:
    stocks = {"A": stock("A", east=2)}
    held, after = reserve(stocks, A=2)
    assert domain.reserve(held, order_id="ord_1", wanted={"A": 2}, stocks=after, at=LATER) == (held, after)
    refused, _ = reserve(after, A=1)
    more = {"A": domain.receive(after["A"], warehouse="east", quantity=9)}
    assert domain.reserve(refused, order_id="ord_1", wanted={"A": 1}, stocks=more, at=LATER) == (refused, more)


def test_one_parcel_when_one_warehouse_has_it_all() -> None:
    stocks = {"A": stock("A", east=1, west=5), "B": stock("B", east=9, west=2)}
    assert domain.allocate({"A": 2, "B": 2}, stocks) == (Allocation("A", "west", 2), Allocation("B", "west", 2))


def test_a_line_is_split_only_when_it_must_be() -> None:
    stocks = {"A": stock("A", east=3, west=2)}
    assert domain.allocate({"A": 3}, stocks) == (Allocation("A", "east", 3),)
    assert domain.allocate({"A": 4}, stocks) == (Allocation("A", "east", 3), Allocation("A", "west", 1))


@pytest.mark.parametrize("times", [1, 2])
def test_release_gives_back_once(times: int) -> None:
    stocks: Stocks = {"A": stock("A", east=2)}
    reservation, after = reserve(stocks, A=2)
    for _ in range(times):
        reservation, after = domain.release(reservation, order_id="ord_1", stocks=after, at=LATER)
    assert reservation.status is ReservationStatus.RELEASED
    assert after == stocks


def test_release_before_reserve_bars_the_reservation() -> None:
    stocks = {"A": stock("A", east=2)}
    tombstone, _ = domain.release(None, order_id="ord_1", stocks={}, at=NOON)
    late, after = domain.reserve(tombstone, order_id="ord_1", wanted={"A": 1}, stocks=stocks, at=LATER)
    assert (late.status, after) == (ReservationStatus.RELEASED, stocks)


def test_a_sale_happens_once_and_can_be_returned() -> None:
    held, stocks = reserve({"A": stock("A", east=3)}, A=2)
    sold, stocks = domain.sell(held, stocks=stocks, at=LATER)
    assert domain.sell(sold, stocks=stocks, at=LATER) == (sold, stocks)
    assert (stocks["A"].on_hand, stocks["A"].reserved, stocks["A"].sold) == (1, 0, 2)
    returned, stocks = domain.release(sold, order_id="ord_1", stocks=stocks, at=LATER)
    assert (returned.status, stocks["A"].available, stocks["A"].sold) == (ReservationStatus.RETURNED, 3, 0)
    assert domain.sell(returned, stocks=stocks, at=LATER) == (returned, stocks)


def test_a_sale_told_after_its_undoing_changes_nothing() -> None:
    held, stocks = reserve({"A": stock("A", east=3)}, A=2)
    released, stocks = domain.release(held, order_id="ord_1", stocks=stocks, at=LATER)
    assert domain.sell(released, stocks=stocks, at=LATER) == (released, stocks)


def test_counts_stay_in_range() -> None:
    with pytest.raises(domain.QuantityOutOfRange):
        domain.receive(stock("A", east=1), warehouse="east", quantity=domain.MAX_UNITS)


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["reserve", "release", "sell"]), st.integers(0, 4), st.integers(1, 4)), max_size=40
)


@given(ACTIONS, st.integers(0, 6), st.integers(0, 6))
def test_whatever_happens_the_books_balance(actions: list[tuple[str, int, int]], east: int, west: int) -> None:
    stocks: Stocks = {"A": stock("A", east=east, west=west), "B": stock("B", west=east)}
    reservations: dict[int, Reservation] = {}
    for action, order, quantity in actions:
        earlier = reservations.get(order)
        name = f"ord_{order}"
        if action == "reserve":
            wanted = {"A": quantity, "B": 1}
            reservations[order], stocks = domain.reserve(earlier, order_id=name, wanted=wanted, stocks=stocks, at=NOON)
        elif action == "release":
            reservations[order], stocks = domain.release(earlier, order_id=name, stocks=stocks, at=NOON)
        elif earlier is not None:
            reservations[order], stocks = domain.sell(earlier, stocks=stocks, at=NOON)
        check(stocks)
    held = [part for one in reservations.values() if one.status is ReservationStatus.HELD for part in one.allocations]
    assert sum(item.reserved for item in stocks.values()) == sum(part.quantity for part in held)

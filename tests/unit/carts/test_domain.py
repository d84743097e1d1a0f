"""Lines are neither lost nor doubled, whatever is repeated."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.carts import domain
from apps.carts.domain import MAX_LINES, MAX_QUANTITY, Cart
from tests.unit.fakes import NOON


def cart(**lines: int) -> Cart:
    return Cart(lines=dict(lines), updated_at=NOON)


def test_quantities_are_set_and_zero_removes() -> None:
    one = domain.put(Cart(), "pen", 2, NOON)
    assert one is not None
    two = domain.put(one, "pen", 5, NOON)
    assert two is not None
    assert two.lines == {"pen": 5}
    none = domain.put(two, "pen", 0, NOON)
    assert none is not None
    assert none.lines == {}


def test_a_full_cart_takes_no_other_product_but_more_of_the_same() -> None:
    full = cart(**{f"p{number}": 1 for number in range(MAX_LINES)})
    assert domain.put(full, "new", 1, NOON) is None
    changed = domain.put(full, "p0", 9, NOON)
    assert changed is not None
    assert changed.lines["p0"] == 9


def test_an_order_takes_all_lines_and_the_same_again() -> None:
    taken, lines = domain.take(cart(pen=2, ink=1), "ord_1", NOON)
    assert (taken.lines, lines) == ({}, {"pen": 2, "ink": 1})
    assert domain.take(taken, "ord_1", NOON) == (taken, lines)
    assert domain.take(taken, "ord_2", NOON) == (taken, {})


@pytest.mark.parametrize("times", [1, 2])
def test_a_failed_order_gives_back_once_beside_what_was_added_since(times: int) -> None:
    changed, _ = domain.take(cart(pen=2), "ord_1", NOON)
    later = domain.put(changed, "pen", 1, NOON)
    assert later is not None
    for _ in range(times):
        later = domain.settle(later, "ord_1", restore=True, at=NOON)
    assert (later.lines, later.taken) == ({"pen": 3}, {})


def test_a_paid_order_keeps_what_it_took() -> None:
    changed, _ = domain.take(cart(pen=2), "ord_1", NOON)
    paid = domain.settle(changed, "ord_1", restore=False, at=NOON)
    assert (paid.lines, paid.taken) == ({}, {})
    assert domain.settle(paid, "ord_1", restore=True, at=NOON).lines == {}


def test_an_order_that_has_given_back_takes_nothing_any_more_though_it_may_ask_late() -> None:
    given_back = domain.settle(cart(pen=2), "ord_1", restore=True, at=NOON)
    assert domain.take(given_back, "ord_1", NOON) == (given_back, {})
    assert domain.take(given_back, "ord_2", NOON)[1] == {"pen": 2}


def test_a_cart_remembers_a_bounded_number_of_returns() -> None:
    changed = cart(pen=2)
    for number in range(100):
        changed = domain.settle(changed, f"ord_{number}", restore=True, at=NOON)
    assert changed.returned[-1] == "ord_99"
    assert len(changed.returned) == 20


def test_a_merge_moves_each_line_once_however_often_it_is_repeated() -> None:
    guest, user = cart(pen=2), cart(pen=1, ink=1)
    guest, handover = domain.hand_over(guest, "crt_1", "usr_1", NOON)
    assert handover is not None
    for _ in range(3):
        again, same = domain.hand_over(guest, "crt_1", "usr_1", NOON)
        assert (again, same) == (guest, handover)
        user = domain.absorb(user, handover.id, handover.lines, NOON)
    assert (guest.lines, user.lines) == ({}, {"pen": 3, "ink": 1})
    guest = domain.confirm(guest, handover.id)
    assert domain.hand_over(guest, "crt_1", "usr_1", NOON) == (guest, None)


def test_merging_does_not_grow_a_cart_beyond_its_lines() -> None:
    full = cart(**{f"p{number}": 1 for number in range(MAX_LINES - 1)})
    merged = domain.absorb(full, "m", {"p0": 1, "new": 1, "newer": 1}, NOON)
    assert len(merged.lines) == MAX_LINES
    assert (merged.lines["p0"], merged.lines["new"]) == (2, 1)


def test_a_transfer_is_for_one_user() -> None:
    guest, _ = domain.hand_over(cart(pen=2), "crt_1", "usr_1", NOON)
    assert domain.hand_over(guest, "crt_1", "usr_2", NOON) == (guest, None)


def test_a_guest_cart_that_is_filled_again_can_be_merged_again() -> None:
    guest, first = domain.hand_over(cart(pen=1), "crt_1", "usr_1", NOON)
    assert first is not None
    filled = domain.put(domain.confirm(guest, first.id), "pen", 4, NOON)
    assert filled is not None
    _, second = domain.hand_over(filled, "crt_1", "usr_1", NOON + timedelta(seconds=1))
    assert second is not None
    user = domain.absorb(domain.absorb(Cart(), first.id, first.lines, NOON), second.id, second.lines, NOON)
    assert user.lines == {"pen": 5}


def test_a_guest_cart_that_has_expired_since_can_be_merged_again() -> None:
    _, first = domain.hand_over(cart(pen=1), "crt_1", "usr_1", NOON)
    _, second = domain.hand_over(cart(pen=4), "crt_1", "usr_1", NOON + timedelta(days=31))
    assert first is not None
    assert second is not None
    user = domain.absorb(domain.absorb(Cart(), first.id, first.lines, NOON), second.id, second.lines, NOON)
    assert user.lines == {"pen": 5}


@given(st.integers(1, MAX_QUANTITY), st.integers(1, MAX_QUANTITY))
def test_sums_stay_within_a_line(left: int, right: int) -> None:
    merged = domain.absorb(cart(pen=left), "m", {"pen": right}, NOON)
    assert merged.lines["pen"] == min(left + right, MAX_QUANTITY)


@pytest.mark.parametrize("cart_id", ["", "crt_", "usr_1", "crt_" + "x" * 42 + "!", "crt_" + "0" * 41, "../state"])
def test_only_our_own_ids_name_guest_carts(cart_id: str) -> None:
    assert not domain.is_guest_id(cart_id)
    assert domain.is_guest_id("crt_" + "0" * 42)


def test_a_guest_cart_lives_from_its_last_change() -> None:
    day = timedelta(days=1)
    assert domain.remaining(cart(pen=1), day, NOON + timedelta(hours=1)) == timedelta(hours=23)
    assert domain.remaining(cart(pen=1), day, NOON + day) == timedelta(0)
    assert domain.remaining(Cart(), day, NOON) == timedelta(0)


def test_emptying_an_empty_cart_changes_nothing() -> None:
    assert domain.clear(Cart(), NOON) == Cart()
    assert domain.clear(cart(pen=1), NOON) == Cart(updated_at=NOON)

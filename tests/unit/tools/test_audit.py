"""A clean shop has no breach; each thing that can be wrong is found under its name, alone, and named exactly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.shared.money import Money
from tests.unit.fakes import NOON
from tests.unit.tools.audited_shop import (
    AUTHORIZED,
    CAPTURED,
    GRACE,
    HELD,
    NOTHING,
    REFUNDED,
    STOCK,
    TEN,
    TOMBSTONE,
    VOIDED,
    breaches,
    order,
    shop,
)
from tools.audit.facts import Allocation, Books, Ledger, Payment, Reservation, Shelf, Stock
from tools.audit.invariants import INVARIANTS, Breach, Kind, Report, confirmed, examine


def test_a_clean_shop_was_really_looked_at() -> None:
    report = examine(shop(), now=NOON, grace=GRACE)
    assert report.breaches == ()
    assert report.checked == {
        Kind.STOCK_UNBALANCED: 1,
        Kind.RESERVED_DIFFERS: 1,
        Kind.SOLD_DIFFERS: 1,
        Kind.MONEY_WRONG: 6,
        Kind.CHARGED_TWICE: 7,
        Kind.LEDGER_DIFFERS: 6,
        Kind.ORDER_STUCK: 8,
        Kind.HOLD_ORPHANED: 1,
        Kind.SALE_UNPAID: 3,
        Kind.SALE_MISSING: 3,
        Kind.WORKFLOW_ORPHANED: 6,
        Kind.WORKFLOW_LINGERS: 6,
        Kind.MESSAGE_MISSING: 5,
        Kind.MAIL_UNSENT: 5,
        Kind.EVENT_UNDELIVERED: 1,
    }
    assert {invariant.kind for invariant in INVARIANTS} == set(Kind)


@pytest.mark.parametrize(
    ("stock", "detail"),
    [
        (
            replace(STOCK, received=11),
            "received 11, but available 2 + reserved 2 + sold 6 = 10",
        ),
        (replace(STOCK, available=-1, received=7), "available is -1"),
        (
            replace(STOCK, warehouses=(Shelf("east", 5, 1, 4), Shelf("west", -1, 1, -2))),
            "on_hand in west is -1, available in west is -2",
        ),
    ],
)
def test_stock_that_does_not_add_up(stock: Stock, detail: str) -> None:
    assert breaches(shop(stock=stock)) == [Breach(Kind.STOCK_UNBALANCED, "PEN", detail)]


def test_stock_against_reservations() -> None:
    assert breaches(shop(stock=replace(STOCK, reserved=1, available=3))) == [
        Breach(Kind.RESERVED_DIFFERS, "PEN", "reserved is 1, but its held reservations add up to 2")
    ]
    assert breaches(shop(stock=replace(STOCK, sold=5, available=3))) == [
        Breach(Kind.SOLD_DIFFERS, "PEN", "sold is 5, but its sold reservations add up to 6")
    ]


def test_reservations_of_a_sku_without_stock() -> None:
    held = Reservation("", "held", (*HELD.allocations, Allocation("INK", 3)))
    assert breaches(shop(reservations={"confirmed": held})) == [
        Breach(Kind.RESERVED_DIFFERS, "INK", "reserved is 0, but its held reservations add up to 3")
    ]


def test_sums_of_a_sku_that_moved_are_not_compared_its_balance_is() -> None:
    assert breaches(shop(stock=replace(STOCK, reserved=1, available=3), moving=frozenset({"PEN"}))) == []
    assert [one.kind for one in breaches(shop(stock=replace(STOCK, sold=5), moving=frozenset({"PEN"})))] == [
        Kind.STOCK_UNBALANCED
    ]


@pytest.mark.parametrize(
    ("subject", "payment", "detail"),
    [
        ("paid", REFUNDED, "the provider holds nothing of 1000 USD, and the order is paid"),
        ("shipped", None, "the provider holds nothing of 1000 USD, and the order is shipped"),
        ("delivered", AUTHORIZED, "the provider holds nothing of 1000 USD, and the order is delivered"),
        ("undone", CAPTURED, "the provider holds 1000 USD, but the order is cancelled"),
        ("declined", AUTHORIZED, "the money is still authorized at the provider, but the order is cancelled"),
        ("nobody", CAPTURED, "the provider holds 1000 USD, but there is no such order"),
        ("abandoned", AUTHORIZED, "the money is still authorized at the provider, but there is no such order"),
    ],
)
def test_money_in_the_wrong_place(subject: str, payment: Payment | None, detail: str) -> None:
    assert breaches(shop(payments={subject: payment})) == [Breach(Kind.MONEY_WRONG, subject, detail)]


def test_money_in_another_currency() -> None:
    euros = Money(1000, "EUR")
    payment = Payment("", Ledger("captured", euros, Money(0, "EUR"), 1), Books("captured", euros, Money(0, "EUR")))
    assert breaches(shop(payments={"paid": payment})) == [
        Breach(Kind.MONEY_WRONG, "paid", "the provider holds 1000 EUR of 1000 USD, and the order is paid")
    ]


def test_a_second_capture() -> None:
    twice = Ledger("captured", TEN, NOTHING, captures=2)
    assert breaches(shop(payments={"paid": replace(CAPTURED, ledger=twice)})) == [
        Breach(Kind.CHARGED_TWICE, "paid", "captured 2 times")
    ]


def test_a_capture_of_more_than_the_total_though_some_was_given_back() -> None:
    twenty = Money(2000, "USD")
    both = Payment("", Ledger("captured", twenty, TEN, captures=1), Books("captured", twenty, TEN))
    assert breaches(shop(payments={"paid": both})) == [
        Breach(Kind.CHARGED_TWICE, "paid", "the provider captured 2000 USD of 1000 USD")
    ]


@pytest.mark.parametrize(
    ("subject", "payment", "detail"),
    [
        (
            "paid",
            replace(CAPTURED, ledger=AUTHORIZED.ledger),
            "we have authorized, captured nothing, refunded nothing; the provider has captured, captured 1000 USD, refunded nothing",
        ),
        (
            "undone",
            replace(REFUNDED, ledger=VOIDED.ledger),
            "we have nothing, captured nothing, refunded nothing; the provider has nothing, captured 1000 USD, refunded 1000 USD",
        ),
        (
            "declined",
            Payment("", AUTHORIZED.ledger, None),
            "we have authorized, captured nothing, refunded nothing; the provider has nothing, captured nothing, refunded nothing",
        ),
        (
            "empty",
            replace(REFUNDED, ledger=None),
            "we have nothing, captured nothing, refunded nothing; the provider has nothing, captured 1000 USD, refunded 1000 USD",
        ),
    ],
)
def test_books_that_differ(subject: str, payment: Payment, detail: str) -> None:
    assert breaches(shop(payments={subject: payment})) == [Breach(Kind.LEDGER_DIFFERS, subject, detail)]


def test_a_free_order_holds_no_money() -> None:
    assert breaches(shop(orders={"paid": order("paid", "paid", total=NOTHING)}, payments={"paid": TOMBSTONE})) == []


def test_no_grace() -> None:
    report = examine(shop(), now=NOON, grace=timedelta(0))
    assert [(one.kind, one.subject) for one in report.breaches] == [
        (Kind.ORDER_STUCK, "draft"),
        (Kind.ORDER_STUCK, "confirmed"),
    ]


def test_only_what_two_looks_find_counts() -> None:
    def report(checked: int, *found: tuple[Kind, str, str]) -> Report:
        return Report({Kind.ORDER_STUCK: checked}, tuple(Breach(*one) for one in found), frozenset())

    stuck, gone = (Kind.ORDER_STUCK, "a", "first"), (Kind.ORDER_STUCK, "b", "first")
    again, new = (Kind.ORDER_STUCK, "a", "then"), (Kind.MONEY_WRONG, "b", "then")
    assert confirmed(report(1, stuck, gone), report(2, again, new)) == report(2, again)


def test_what_the_first_look_could_not_compare_needs_no_second_finding() -> None:
    moving = examine(shop(moving=frozenset({"PEN"})), now=NOON, grace=GRACE)
    differs = examine(shop(stock=replace(STOCK, sold=5, available=3)), now=NOON, grace=GRACE)
    assert [one.kind for one in confirmed(moving, differs).breaches] == [Kind.SOLD_DIFFERS]
    assert confirmed(examine(shop(), now=NOON, grace=GRACE), differs).breaches == ()

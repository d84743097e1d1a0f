"""Orders that do not end, stock and workflows of nobody, customers and consumers who were not told: each is found, alone and by name."""

from dataclasses import replace

import pytest

from tests.unit.fakes import NOON
from tests.unit.tools.audited_shop import (
    ENDED,
    FRESH,
    GRACE,
    HELD,
    OLD,
    ORDERS,
    REFUNDED,
    REPLAYED,
    RUNNING,
    SOLD,
    STOCK,
    breaches,
    order,
    shop,
)
from tools.audit import __main__ as command
from tools.audit.facts import Letter, Order
from tools.audit.invariants import Breach, Kind, examine
from tools.audit.orders import told_event_ids


@pytest.mark.parametrize("status", ["draft", "confirmed"])
def test_an_order_that_does_not_end(status: str) -> None:
    assert breaches(shop(orders={status: order(status, status, placed_at=OLD, reached_at=FRESH)})) == [
        Breach(Kind.ORDER_STUCK, status, f"{status}, placed at {OLD}")
    ]


def test_a_cancellation_may_take_its_time_and_not_more() -> None:
    half_way = {
        "payments": {"paid": REFUNDED},
        "reservations": {"paid": replace(HELD, status="returned")},
        "stock": replace(STOCK, sold=4, available=4),
        "messages": {},
    }
    fresh = order("paid", "paid", cancel_requested_at=FRESH, cancellation=RUNNING)
    assert breaches(shop(orders={"paid": fresh}, **half_way)) == []  # type: ignore[arg-type]
    assert breaches(shop(orders={"paid": replace(fresh, cancel_requested_at=OLD)}, **half_way)) == [  # type: ignore[arg-type]
        Breach(Kind.ORDER_STUCK, "paid", f"paid, its cancellation was asked for at {OLD}")
    ]


@pytest.mark.parametrize(
    ("subject", "state"), [("empty", "is cancelled"), ("abandoned", "does not exist"), ("nobody", "does not exist")]
)
def test_stock_kept_for_nobody(subject: str, state: str) -> None:
    held, sold = replace(STOCK, reserved=4, available=0), replace(STOCK, sold=8, available=0)
    assert breaches(shop(stock=held, reservations={subject: HELD})) == [
        Breach(Kind.HOLD_ORPHANED, subject, f"stock is held, and the order {state}")
    ]
    assert breaches(shop(stock=sold, reservations={subject: SOLD})) == [
        Breach(Kind.SALE_UNPAID, subject, f"stock is sold, and the order {state}")
    ]


def test_stock_sold_to_an_order_that_is_not_paid() -> None:
    stock = replace(STOCK, reserved=0, sold=8)
    assert breaches(shop(stock=stock, reservations={"confirmed": SOLD})) == [
        Breach(Kind.SALE_UNPAID, "confirmed", "stock is sold, and the order is confirmed")
    ]


@pytest.mark.parametrize("subject", ["paid", "shipped", "delivered"])
def test_a_sale_that_was_not_told(subject: str) -> None:
    still_held = replace(STOCK, reserved=4, sold=4)
    assert breaches(shop(stock=still_held, reservations={subject: HELD})) == [
        Breach(Kind.SALE_MISSING, subject, f"{subject}, and its reservation is held")
    ]
    gone = replace(STOCK, available=4, sold=4)
    assert breaches(shop(stock=gone, reservations={subject: None})) == [
        Breach(Kind.SALE_MISSING, subject, f"{subject}, and its reservation is missing")
    ]
    just_now = {subject: replace(ORDERS[subject], reached_at=FRESH)}
    assert breaches(shop(stock=still_held, reservations={subject: HELD}, orders=just_now)) == []


@pytest.mark.parametrize("which", ["workflow", "cancellation"])
def test_a_workflow_of_no_order(which: str) -> None:
    for workflow in (RUNNING, ENDED):
        nobodys = Order("abandoned", workflow=workflow)
        if which == "cancellation":
            nobodys = Order("abandoned", cancellation=workflow)
        assert breaches(shop(orders={"abandoned": nobodys})) == [
            Breach(Kind.WORKFLOW_ORPHANED, "abandoned", "a workflow exists, and there is no such order")
        ]


@pytest.mark.parametrize("subject", ["paid", "shipped", "delivered", "declined"])
def test_a_workflow_that_outlives_its_order(subject: str) -> None:
    ended = ORDERS[subject]
    assert breaches(shop(orders={subject: replace(ended, workflow=RUNNING)})) == [
        Breach(Kind.WORKFLOW_LINGERS, subject, f"{ended.status}, and its checkout still runs")
    ]
    assert breaches(shop(orders={subject: replace(ended, cancellation=RUNNING)})) == [
        Breach(Kind.WORKFLOW_LINGERS, subject, f"{ended.status}, and its cancellation still runs")
    ]
    assert breaches(shop(orders={subject: replace(ended, workflow=RUNNING, reached_at=FRESH)})) == []


@pytest.mark.parametrize(("subject", "status"), [("paid", "paid"), ("shipped", "shipped"), ("undone", "cancelled")])
def test_a_customer_who_was_not_told(subject: str, status: str) -> None:
    event_id = f"{subject}:{status}"
    assert breaches(shop(messages={event_id: None})) == [
        Breach(Kind.MESSAGE_MISSING, subject, f"no message says that the order is {status}")
    ]
    for mail in ("sending", "failed"):
        assert breaches(shop(messages={event_id: mail})) == [
            Breach(Kind.MAIL_UNSENT, subject, f"the mail that says that the order is {status} is {mail}")
        ]
    just_now = {subject: replace(ORDERS[subject], reached_at=FRESH)}
    assert breaches(shop(messages={event_id: None}, orders=just_now)) == []


def test_a_mail_of_which_nobody_knows_is_told_and_no_breach() -> None:
    facts = shop(messages={"paid:paid": "unconfirmed", "paid:confirmed": "unconfirmed", "shipped:paid": "sending"})
    report = examine(facts, now=NOON, grace=GRACE)
    assert report.breaches == ()
    assert report.unconfirmed == {"paid:paid", "paid:confirmed"}
    assert command.written(report).splitlines()[-1] == "2 mails unconfirmed: paid:confirmed, paid:paid"


def test_an_event_that_its_consumer_could_not_handle() -> None:
    waits = replace(REPLAYED, is_handled=False)
    garbage = Letter("inventory", "dlt_2", "", "", is_handled=False)
    assert breaches(shop(letters=(waits, REPLAYED, garbage))) == [
        Breach(
            Kind.EVENT_UNDELIVERED,
            "dlt_1",
            "carts could not handle orders.order-paid.v1 ord_1:paid: make dead-letters",
        ),
        Breach(
            Kind.EVENT_UNDELIVERED,
            "dlt_2",
            "inventory could not handle something that is no event: make dead-letters",
        ),
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("draft", []),
        ("confirmed", ["confirmed"]),
        ("paid", ["confirmed", "paid"]),
        ("shipped", ["confirmed", "paid", "shipped"]),
        ("delivered", ["confirmed", "paid", "shipped"]),
        ("cancelled", ["confirmed", "paid", "cancelled"]),
    ],
)
def test_what_a_customer_may_have_heard(status: str, told: list[str]) -> None:
    assert told_event_ids(order("o", status)) == [f"o:{each}" for each in told]

"""A clean shop has no breach; each thing that can be wrong is found under its name, alone, and named exactly."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.shared.money import Money
from tests.unit.fakes import NOON
from tools.audit import __main__ as command
from tools.audit.facts import (
    Allocation,
    Books,
    Facts,
    Ledger,
    Letter,
    Message,
    Order,
    Payment,
    Reservation,
    Shelf,
    Stock,
    Workflow,
)
from tools.audit.gathering import gather
from tools.audit.invariants import INVARIANTS, Breach, Kind, Report, confirmed, examine
from tools.audit.orders import told_event_ids
from tools.local.api import Answer, Api

GRACE = timedelta(seconds=60)
OLD, FRESH = NOON - timedelta(seconds=61), NOON - timedelta(seconds=59)
TEN, NOTHING = Money(1000, "USD"), Money(0, "USD")
RUNNING, ENDED = Workflow(exists=True, running=True), Workflow(exists=True)


def order(order_id: str, status: str, **changes: Any) -> Order:
    return replace(Order(order_id, status, TEN, placed_at=OLD, reached_at=OLD, workflow=ENDED), **changes)


CAPTURED = Payment("", Ledger("captured", TEN, NOTHING, 1), Books("captured", TEN, NOTHING))
REFUNDED = Payment("", Ledger("refunded", TEN, TEN, 1), Books("nothing", TEN, TEN))
VOIDED = Payment("", Ledger("voided", NOTHING, NOTHING, 0), Books("nothing", NOTHING, NOTHING))
AUTHORIZED = Payment("", Ledger("authorized", NOTHING, NOTHING, 0), Books("authorized", NOTHING, NOTHING))
DECLINED = Payment("", Ledger("refused", NOTHING, NOTHING, 0), None)
TOMBSTONE = Payment("", Ledger("voided", Money(0, "XXX"), Money(0, "XXX"), 0), None)

# A shop with an order in every state that may last: 10 units received, 2 held, 3 x 2 sold, 2 left.
STOCK = Stock("PEN", received=10, available=2, reserved=2, sold=6, warehouses=(Shelf("east", 4, 2, 2),))
ORDERS = {
    one.order_id: one
    for one in (
        order("draft", "draft", placed_at=FRESH, reached_at=FRESH, workflow=RUNNING),
        order("confirmed", "confirmed", placed_at=FRESH, reached_at=FRESH, workflow=RUNNING),
        order("paid", "paid"),
        order("shipped", "shipped", workflow=Workflow()),
        order("delivered", "delivered", workflow=Workflow()),
        order("declined", "cancelled"),
        order("undone", "cancelled", cancel_requested_at=OLD, cancellation=ENDED),
        order("empty", "cancelled"),
        Order("abandoned"),
    )
}
HELD, SOLD = (Reservation("", status, (Allocation("PEN", 2),)) for status in ("held", "sold"))
RESERVATIONS = {
    "confirmed": HELD,
    **dict.fromkeys(("paid", "shipped", "delivered"), SOLD),
    "declined": replace(HELD, status="released"),
    "undone": replace(HELD, status="returned"),
}
PAYMENTS = {
    "confirmed": AUTHORIZED,
    **dict.fromkeys(("paid", "shipped", "delivered"), CAPTURED),
    "declined": DECLINED,
    "undone": REFUNDED,
    "empty": TOMBSTONE,
}
REPLAYED = Letter("carts", "dlt_1", "ord_1:paid", "orders.order-paid.v1", is_handled=True)
MESSAGES = ("confirmed:confirmed", "paid:paid", "shipped:shipped", "declined:cancelled", "undone:cancelled")


def shop(
    *,
    stock: Stock = STOCK,
    orders: Mapping[str, Order | None] = {},
    reservations: Mapping[str, Reservation | None] = {},
    payments: Mapping[str, Payment | None] = {},
    messages: Mapping[str, str | None] = {},
    moving: frozenset[str] = frozenset(),
    letters: tuple[Letter, ...] = (REPLAYED,),
) -> Facts:
    """The clean shop with these changes; None takes something away."""
    told: dict[str, str | None] = {**dict.fromkeys(MESSAGES, "sent"), "empty:cancelled": "undeliverable", **messages}
    return Facts(
        stocks={stock.sku: stock},
        moving=moving,
        orders={name: one for name, one in {**ORDERS, **orders}.items() if one},
        reservations={
            name: replace(one, order_id=name) for name, one in {**RESERVATIONS, **reservations}.items() if one
        },
        payments={name: replace(one, order_id=name) for name, one in {**PAYMENTS, **payments}.items() if one},
        messages={name: Message(name, mail) for name, mail in told.items()},
        letters=letters,
    )


def breaches(facts: Facts) -> list[Breach]:
    return list(examine(facts, now=NOON, grace=GRACE).breaches)


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


class FakeApi(Api):
    """Answers the audit listings of a shop of three orders; remembers what it was asked."""

    def __init__(self, *, stock_moves: bool = False) -> None:
        super().__init__("http://shop")
        self.asked: list[str] = []
        self._sold = iter((1, 2)) if stock_moves else iter((1, 1))

    def call(self, method: str, path: str, *_: Any, **__: Any) -> Answer:
        self.asked.append(path.removeprefix("/api/v1/audit/"))
        usd = {"currency": "USD"}
        money = {"captured": {**usd, "amount_minor": 1000}, "refunded": {**usd, "amount_minor": 0}}
        answers: dict[str, Any] = {
            "orders?limit=100": ([{"order_id": "o1", "status": "paid", "total": {**usd, "amount_minor": 1000}}], "c"),
            "orders?limit=100&cursor=c": (
                [{"order_id": "o2", "status": None}, {"order_id": "o1", "status": "shipped"}],
                None,
            ),
            "reservations?limit=100": ([{"order_id": "o1", "status": "sold", "allocations": [], "at": "x"}], None),
            "payments?limit=100": (
                [{"order_id": "o1", "ledger": {**money, "status": "captured", "captures": 1}, "books": None}],
                None,
            ),
            "payments?order_ids=o2": ([{"order_id": "o2", "ledger": None, "books": None}], None),
            "notifications?event_ids=o1%3Aconfirmed&event_ids=o1%3Apaid&event_ids=o1%3Ashipped": (
                [{"event_id": "o1:shipped", "message_id": None, "mail": None}],
                None,
            ),
            "dead-letters/inventory?limit=100": ([], None),
            "dead-letters/carts?limit=100": (
                [{"id": "dlt_1", "event_id": "e", "type": "t", "text": "x", "arrived_at": "x", "handled_at": None}],
                None,
            ),
            "dead-letters/notifications?limit=100": ([], None),
        }
        name = self.asked[-1]
        if name == "stock?limit=100":
            sku = {"sku": "PEN", "received": 5, "available": 4, "reserved": 0, "warehouses": []}
            answers[name] = ([{**sku, "sold": next(self._sold)}], None)
        items, cursor = answers[name]
        return Answer(200, {"items": items, "next_cursor": cursor})


def test_gathering_reads_every_page_and_keeps_the_latest() -> None:
    api = FakeApi()
    facts = gather(api)
    assert (facts.orders["o1"].status, facts.orders["o2"].status) == ("shipped", None)
    assert facts.payments == {"o1": Payment("o1", Ledger("captured", TEN, NOTHING, 1), None)}
    assert facts.reservations == {"o1": Reservation("o1", "sold")}
    assert facts.messages == {"o1:shipped": Message("o1:shipped", None)}
    assert facts.letters == (Letter("carts", "dlt_1", "e", "t", is_handled=False),)
    assert (facts.stocks, facts.moving) == ({"PEN": Stock("PEN", 5, 4, 0, 1)}, frozenset())
    assert api.asked.index("reservations?limit=100") < api.asked.index("orders?limit=100")


def test_gathering_notes_which_stock_moved() -> None:
    assert gather(FakeApi(stock_moves=True)).moving == {"PEN"}


def test_the_command_without_a_shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: Any) -> None:
    monkeypatch.setenv("PLAZA_HOME", str(tmp_path))
    assert command.main([]) == 2
    (tmp_path / "run.json").write_text(
        '{"gateway_url": "http://127.0.0.1:9", "admin": {"email": "a", "password": "b"}}'
    )
    assert command.main([]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"plaza: No shop runs in {tmp_path}: start one with 'make run'."
    assert lines[1].startswith("plaza: POST /auth/login got no answer: ")
    assert len(lines) == 2


def test_the_table() -> None:
    facts = shop(messages={"paid:paid": None}, moving=frozenset({"PEN"}))
    lines = command.written(examine(facts, now=NOON, grace=GRACE)).splitlines()
    assert len(lines) == 1 + len(INVARIANTS) + 2
    assert lines[0].split() == ["invariant", "checked", "breaches"]
    assert lines[-5].split()[-2:] == ["5", "1"]
    assert lines[-2] == "sums not compared, since the stock moved meanwhile: PEN"
    assert lines[-1] == "message-missing: paid: no message says that the order is paid"

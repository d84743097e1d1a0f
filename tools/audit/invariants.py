"""What must hold in a shop, and what does not: pure, with time as an argument."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.shared.money import Money
from tools.audit.facts import Books, Facts, Ledger, Order, Payment, Stock

UNDER_WAY = frozenset({"draft", "confirmed"})
SOLD = frozenset({"paid", "shipped", "delivered"})
TOLD = frozenset({"confirmed", "paid", "cancelled", "shipped"})
"""The statuses about which the customer gets a message."""


class Kind(StrEnum):
    """An invariant, by the name of its breach."""

    STOCK_UNBALANCED = "stock-unbalanced"
    RESERVED_DIFFERS = "reserved-differs"
    SOLD_DIFFERS = "sold-differs"
    MONEY_WRONG = "money-wrong"
    CHARGED_TWICE = "charged-twice"
    LEDGER_DIFFERS = "ledger-differs"
    ORDER_STUCK = "order-stuck"
    HOLD_ORPHANED = "hold-orphaned"
    SALE_UNPAID = "sale-unpaid"
    SALE_MISSING = "sale-missing"
    WORKFLOW_ORPHANED = "workflow-orphaned"
    WORKFLOW_LINGERS = "workflow-lingers"
    MESSAGE_MISSING = "message-missing"
    MAIL_UNSENT = "mail-unsent"


@dataclass(frozen=True, slots=True)
class Breach:
    """`subject` is a SKU or an order id."""

    kind: Kind
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Look:
    """Facts, and when they were gathered. Something of less than `grace` ago may still be on its way."""

    facts: Facts
    now: datetime
    grace: timedelta

    def is_old(self, at: datetime | None) -> bool:
        return at is not None and self.now - at > self.grace

    def find_order(self, order_id: str) -> Order | None:
        """The order if it was saved."""
        order = self.facts.orders.get(order_id)
        return order if order and order.status else None

    @property
    def saved_orders(self) -> Iterator[Order]:
        return (order for order in self.facts.orders.values() if order.status)


Finding = tuple[str, str]
"""A subject that was checked, and what is wrong with it: nothing when empty."""


def _stock_unbalanced(look: Look) -> Iterator[Finding]:
    for stock in look.facts.stocks.values():
        yield stock.sku, _imbalance(stock)


def _imbalance(stock: Stock) -> str:
    counts = {"received": stock.received, "available": stock.available, "reserved": stock.reserved, "sold": stock.sold}
    for shelf in stock.warehouses:
        for name in ("on_hand", "reserved", "available"):
            counts[f"{name} in {shelf.warehouse}"] = getattr(shelf, name)
    if negative := [f"{name} is {count}" for name, count in counts.items() if count < 0]:
        return ", ".join(negative)
    accounted = stock.available + stock.reserved + stock.sold
    if stock.received == accounted:
        return ""
    return (
        f"received {stock.received}, but available {stock.available} + reserved {stock.reserved} + sold {stock.sold}"
        f" = {accounted}"
    )


def _reserved_differs(look: Look) -> Iterator[Finding]:
    return _compare_sums(look, "held", "reserved", lambda stock: stock.reserved)


def _sold_differs(look: Look) -> Iterator[Finding]:
    return _compare_sums(look, "sold", "sold", lambda stock: stock.sold)


def _compare_sums(look: Look, status: str, name: str, count: Callable[[Stock], int]) -> Iterator[Finding]:
    sums: Counter[str] = Counter()
    for reservation in look.facts.reservations.values():
        if reservation.status == status:
            for part in reservation.allocations:
                sums[part.sku] += part.quantity
    for sku in sorted((look.facts.stocks.keys() | sums.keys()) - look.facts.moving):
        stock = look.facts.stocks.get(sku)
        counted = count(stock) if stock else 0
        wrong = f"{name} is {counted}, but its {status} reservations add up to {sums[sku]}"
        yield sku, wrong if counted != sums[sku] else ""


def _is_settled(order: Order) -> bool:
    """Nothing more is to move its goods or its money by itself."""
    return order.status == "cancelled" or (order.status in SOLD and order.cancel_requested_at is None)


def _money_wrong(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        if _is_settled(order):
            payment = look.facts.payments.get(order.order_id)
            yield order.order_id, _misplaced(order, payment.books if payment else None)
    for payment in look.facts.payments.values():
        if look.find_order(payment.order_id) is None:
            held = _still_held(payment.books)
            yield payment.order_id, f"{held}, but there is no such order" if held else ""


def _misplaced(order: Order, books: Books | None) -> str:
    if order.status == "cancelled":
        held = _still_held(books)
        return f"{held}, but the order is cancelled" if held else ""
    holds, total = _written(books.held if books else None), _written(order.total)
    return "" if holds == total else f"the provider holds {holds} of {total}, and the order is {order.status}"


def _still_held(books: Books | None) -> str:
    if books is None:
        return ""
    if books.held.amount_minor:
        return f"the provider holds {_written(books.held)}"
    return "" if books.standing == "nothing" else f"the money is still {books.standing} at the provider"


def _charged_twice(look: Look) -> Iterator[Finding]:
    for payment in look.facts.payments.values():
        order = look.find_order(payment.order_id)
        captures = payment.ledger.captures if payment.ledger else 0
        taken = payment.books.captured if payment.books else None
        if captures > 1:
            yield payment.order_id, f"captured {captures} times"
        elif order and order.total and taken and taken.amount_minor > order.total.amount_minor:
            yield payment.order_id, f"the provider captured {_written(taken)} of {_written(order.total)}"
        else:
            yield payment.order_id, ""


def _ledger_differs(look: Look) -> Iterator[Finding]:
    for payment in look.facts.payments.values():
        order = look.find_order(payment.order_id)
        if order is None or _is_settled(order):
            yield payment.order_id, _difference(payment)


def _difference(payment: Payment) -> str:
    ours, theirs = _summary_of_ledger(payment.ledger), _summary_of_books(payment.books)
    return "" if ours == theirs else f"we have {ours}; the provider has {theirs}"


def _summary_of_ledger(ledger: Ledger | None) -> str:
    if ledger is None:
        return _summary("nothing", None, None)
    standing = ledger.status if ledger.status in ("authorized", "captured") else "nothing"
    return _summary(standing, ledger.captured, ledger.refunded)


def _summary_of_books(books: Books | None) -> str:
    return (
        _summary(books.standing, books.captured, books.refunded)
        if books is not None
        else _summary("nothing", None, None)
    )


def _summary(standing: str, captured: Money | None, refunded: Money | None) -> str:
    return f"{standing}, captured {_written(captured)}, refunded {_written(refunded)}"


def _order_stuck(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        wrong = ""
        if order.status in UNDER_WAY and look.is_old(order.placed_at):
            wrong = f"{order.status}, placed at {order.placed_at}"
        elif not _is_settled(order) and order.status in SOLD and look.is_old(order.cancel_requested_at):
            wrong = f"{order.status}, its cancellation was asked for at {order.cancel_requested_at}"
        yield order.order_id, wrong


def _hold_orphaned(look: Look) -> Iterator[Finding]:
    for reservation in look.facts.reservations.values():
        if reservation.status == "held":
            order = look.find_order(reservation.order_id)
            is_living = order is not None and order.status != "cancelled"
            yield reservation.order_id, "" if is_living else f"stock is held, and the order {_state(order)}"


def _sale_unpaid(look: Look) -> Iterator[Finding]:
    for reservation in look.facts.reservations.values():
        if reservation.status == "sold":
            order = look.find_order(reservation.order_id)
            is_paid = order is not None and order.status in SOLD
            yield reservation.order_id, "" if is_paid else f"stock is sold, and the order {_state(order)}"


def _sale_missing(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        if order.status in SOLD and _is_settled(order) and look.is_old(order.reached_at):
            reservation = look.facts.reservations.get(order.order_id)
            status = reservation.status if reservation else "missing"
            yield order.order_id, "" if status == "sold" else f"{order.status}, and its reservation is {status}"


def _workflow_orphaned(look: Look) -> Iterator[Finding]:
    for order in look.facts.orders.values():
        if order.workflow.exists or order.cancellation.exists:
            yield order.order_id, "" if order.status else "a workflow exists, and there is no such order"


def _workflow_lingers(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        if _is_settled(order) and look.is_old(order.reached_at):
            runs = [
                name
                for name, workflow in (("checkout", order.workflow), ("cancellation", order.cancellation))
                if workflow.running
            ]
            yield order.order_id, f"{order.status}, and its {' and '.join(runs)} still runs" if runs else ""


def latest_event_id(order: Order) -> str | None:
    """The event that tells the customer of the order's status; None when there is none to tell."""
    return f"{order.order_id}:{order.status}" if order.status in TOLD else None


def _message_missing(look: Look) -> Iterator[Finding]:
    for order, mail in _messages(look):
        yield order.order_id, f"no message says that the order is {order.status}" if mail is None else ""


def _mail_unsent(look: Look) -> Iterator[Finding]:
    for order, mail in _messages(look):
        if mail is not None:
            unsent = mail in ("sending", "failed")
            yield order.order_id, f"the mail that says that the order is {order.status} is {mail}" if unsent else ""


def _messages(look: Look) -> Iterator[tuple[Order, str | None]]:
    """Orders whose customer must have heard of their status by now, and how the mail fares: None without a message."""
    for order in look.saved_orders:
        event_id = latest_event_id(order)
        if event_id and look.is_old(order.reached_at):
            message = look.facts.messages.get(event_id)
            yield order, message.mail if message else None


def _state(order: Order | None) -> str:
    return f"is {order.status}" if order else "does not exist"


def _written(money: Money | None) -> str:
    return f"{money.amount_minor} {money.currency}" if money and money.amount_minor else "nothing"


@dataclass(frozen=True, slots=True)
class Invariant:
    """`statement` holds for each of the subjects that `check` yields without a complaint."""

    kind: Kind
    statement: str
    check: Callable[[Look], Iterator[Finding]]


INVARIANTS = (
    Invariant(
        Kind.STOCK_UNBALANCED, "received = available + reserved + sold, none negative, per SKU", _stock_unbalanced
    ),
    Invariant(Kind.RESERVED_DIFFERS, "reserved = what held reservations add up to, per SKU", _reserved_differs),
    Invariant(Kind.SOLD_DIFFERS, "sold = what sold reservations add up to, per SKU", _sold_differs),
    Invariant(Kind.MONEY_WRONG, "the provider holds the total of a sold order, nothing of others", _money_wrong),
    Invariant(Kind.CHARGED_TWICE, "an order is charged once at most", _charged_twice),
    Invariant(Kind.LEDGER_DIFFERS, "our ledger is the provider's", _ledger_differs),
    Invariant(Kind.ORDER_STUCK, "an order ends", _order_stuck),
    Invariant(Kind.HOLD_ORPHANED, "stock is held for living orders only", _hold_orphaned),
    Invariant(Kind.SALE_UNPAID, "stock is sold to paid orders only", _sale_unpaid),
    Invariant(Kind.SALE_MISSING, "a paid order's stock is sold", _sale_missing),
    Invariant(Kind.WORKFLOW_ORPHANED, "a workflow has an order", _workflow_orphaned),
    Invariant(Kind.WORKFLOW_LINGERS, "a workflow ends with its order", _workflow_lingers),
    Invariant(Kind.MESSAGE_MISSING, "the customer is told of the order's latest status", _message_missing),
    Invariant(Kind.MAIL_UNSENT, "the mail that tells it is sent", _mail_unsent),
)


@dataclass(frozen=True, slots=True)
class Report:
    """How many subjects each invariant was checked for, and every breach."""

    checked: dict[Kind, int]
    breaches: tuple[Breach, ...]


def examine(facts: Facts, *, now: datetime, grace: timedelta) -> Report:
    """Check every invariant. What is younger than `grace` counts as on its way where time may heal it."""
    look = Look(facts, now, grace)
    checked: dict[Kind, int] = {}
    breaches: list[Breach] = []
    for invariant in INVARIANTS:
        findings = list(invariant.check(look))
        checked[invariant.kind] = len(findings)
        breaches += [Breach(invariant.kind, subject, wrong) for subject, wrong in findings if wrong]
    return Report(checked, tuple(breaches))


def confirmed(first: Report, second: Report) -> Report:
    """The second report with those breaches alone that the first has too: the others were seen in the middle of a change."""
    seen = {(breach.kind, breach.subject) for breach in first.breaches}
    return Report(second.checked, tuple(one for one in second.breaches if (one.kind, one.subject) in seen))

"""What must hold in a shop, and what does not: pure, with time as an argument."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tools.audit import goods, letters, money, orders
from tools.audit.facts import Facts
from tools.audit.look import Finding, Look


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
    EVENT_UNDELIVERED = "event-undelivered"


@dataclass(frozen=True, slots=True)
class Breach:
    """`subject` is a SKU, an order id, or the id of a dead letter."""

    kind: Kind
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """`statement` holds for each of the subjects that `check` yields without a complaint."""

    kind: Kind
    statement: str
    check: Callable[[Look], Iterator[Finding]]


INVARIANTS = (
    Invariant(
        Kind.STOCK_UNBALANCED, "received = available + reserved + sold, none negative, per SKU", goods.stock_unbalanced
    ),
    Invariant(Kind.RESERVED_DIFFERS, "reserved = what held reservations add up to, per SKU", goods.reserved_differs),
    Invariant(Kind.SOLD_DIFFERS, "sold = what sold reservations add up to, per SKU", goods.sold_differs),
    Invariant(Kind.MONEY_WRONG, "the provider holds the total of a sold order, nothing of others", money.money_wrong),
    Invariant(Kind.CHARGED_TWICE, "an order is charged once at most", money.charged_twice),
    Invariant(Kind.LEDGER_DIFFERS, "our ledger is the provider's", money.ledger_differs),
    Invariant(Kind.ORDER_STUCK, "an order ends", orders.order_stuck),
    Invariant(Kind.HOLD_ORPHANED, "stock is held for living orders only", goods.hold_orphaned),
    Invariant(Kind.SALE_UNPAID, "stock is sold to paid orders only", goods.sale_unpaid),
    Invariant(Kind.SALE_MISSING, "a paid order's stock is sold", goods.sale_missing),
    Invariant(Kind.WORKFLOW_ORPHANED, "a workflow has an order", orders.workflow_orphaned),
    Invariant(Kind.WORKFLOW_LINGERS, "a workflow ends with its order", orders.workflow_lingers),
    Invariant(Kind.MESSAGE_MISSING, "the customer is told of the order's latest status", orders.message_missing),
    Invariant(Kind.MAIL_UNSENT, "the mail that tells it is sent", orders.mail_unsent),
    Invariant(Kind.EVENT_UNDELIVERED, "a dead letter was replayed", letters.event_undelivered),
)


@dataclass(frozen=True, slots=True)
class Report:
    """How many subjects each invariant was checked for, every breach, and what is no breach.

    That is the SKUs that moved too fast to compare their sums, and the events of whose mails nobody knows whether they were sent.
    """

    checked: dict[Kind, int]
    breaches: tuple[Breach, ...]
    not_compared: frozenset[str]
    unconfirmed: frozenset[str] = frozenset()


def examine(facts: Facts, *, now: datetime, grace: timedelta) -> Report:
    """Check every invariant. What is younger than `grace` counts as on its way where time may heal it."""
    look = Look(facts, now, grace)
    checked: dict[Kind, int] = {}
    breaches: list[Breach] = []
    for invariant in INVARIANTS:
        findings = list(invariant.check(look))
        checked[invariant.kind] = len(findings)
        breaches += [Breach(invariant.kind, subject, wrong) for subject, wrong in findings if wrong]
    unconfirmed = frozenset(one.event_id for one in facts.messages.values() if one.mail == "unconfirmed")
    return Report(checked, tuple(breaches), facts.moving, unconfirmed)


def confirmed(first: Report, second: Report) -> Report:
    """The second report without the breaches that the first look could see and did not: they were seen in the middle of a change."""
    seen = {(breach.kind, breach.subject) for breach in first.breaches}
    seen |= {(kind, sku) for kind in (Kind.RESERVED_DIFFERS, Kind.SOLD_DIFFERS) for sku in first.not_compared}
    return replace(second, breaches=tuple(one for one in second.breaches if (one.kind, one.subject) in seen))

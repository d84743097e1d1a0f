"""Counts what a storm has left: pure, and blind to everything but what clients were promised and what the shop shows in the end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.storm.account import FINAL, Aftermath, Promise
from tools.storm.tellings import duplicate_mails, missing_mails, strayed_mails

PAYABLE = frozenset({"tok_visa", "tok_timeout"})
REASONS = {
    "tok_chargeDeclined": "payment_declined",
    "tok_insufficientFunds": "payment_declined",
    "tok_fraud": "fraud_suspected",
    "tok_captureFails": "capture_failed",
}
STUCK = ("order-stuck", "workflow-lingers")
CHARGED = "charged-twice"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One kind of breach: `found` names each case."""

    name: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the orders, and every kind of breach, also those of which there is none."""

    accepted: int
    paid: int
    cancelled: Mapping[str, int]
    wrongs: tuple[Wrong, ...]

    @property
    def is_clean(self) -> bool:
        return not any(wrong.found for wrong in self.wrongs)


def count(after: Aftermath) -> Tally:
    """Hold the aftermath against the promises."""
    accepted = {order_id for promise in after.promises for order_id in promise.order_ids}
    ended = [after.orders[order_id] for order_id in accepted if order_id in after.orders]
    audited = dict(after.audit)
    stuck = [breach for kind in STUCK for breach in audited.pop(kind, ())]
    charged = audited.pop(CHARGED, ())
    return Tally(
        accepted=len(accepted),
        paid=sum(order["status"] == "paid" for order in ended),
        cancelled=Counter(order["failure"]["code"] for order in ended if order["status"] == "cancelled"),
        wrongs=(
            Wrong("lost orders", tuple(_lost(accepted, after.orders))),
            Wrong("keys with two orders", tuple(_shared_keys(after.promises))),
            Wrong("orders of no key", tuple(sorted(after.orders.keys() - accepted))),
            Wrong("double charges", tuple(charged)),
            Wrong("oversold units", tuple(_oversold(after))),
            Wrong("miscounted units", tuple(_miscounted(after))),
            Wrong("stuck sagas", tuple(stuck)),
            Wrong("duplicate mails", tuple(duplicate_mails(after))),
            Wrong("missing mails", tuple(missing_mails(after))),
            Wrong("mails to a stranger", tuple(strayed_mails(after))),
            Wrong("wrong ends", tuple(_wrong_ends(after))),
            Wrong("orders never answered", tuple(_unanswered(after))),
            Wrong("processes that stayed dead", tuple(kill.target for kill in after.kills if not kill.came_back)),
            Wrong("probes never paid", tuple(kill.target for kill in after.kills if kill.paid_seconds is None)),
            Wrong(
                "other breaches of the audit",
                tuple(f"{kind}: {breach}" for kind, found in audited.items() for breach in found),
            ),
        ),
    )


def _lost(accepted: set[str], orders: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for order_id in sorted(accepted):
        if order_id not in orders:
            yield f"{order_id} does not exist"
        elif orders[order_id]["status"] not in FINAL:
            yield f"{order_id} is still {orders[order_id]['status']}"


def _shared_keys(promises: Iterable[Promise]) -> Iterator[str]:
    for promise in promises:
        if len(promise.order_ids) > 1:
            yield f"{promise.planned.key} made {' and '.join(sorted(promise.order_ids))}"


def sold_units(after: Aftermath) -> Counter[str]:
    """Units by SKU in orders that are paid."""
    units: Counter[str] = Counter()
    for order in after.orders.values():
        if order["status"] == "paid":
            for line in order["lines"]:
                units[line["sku"]] += line["quantity"]
    return units


def _oversold(after: Aftermath) -> Iterator[str]:
    units = sold_units(after)
    for sku, stock in after.stocks.items():
        if units[sku] > stock["received"]:
            yield f"{sku}: {units[sku]} units in paid orders of {stock['received']}"
        elif stock["available"] < 0:
            yield f"{sku}: {stock['available']} available"


def _miscounted(after: Aftermath) -> Iterator[str]:
    units = sold_units(after)
    for sku, stock in after.stocks.items():
        if (stock["sold"], stock["reserved"]) != (units[sku], 0):
            yield f"{sku}: {stock['sold']} sold and {stock['reserved']} reserved, and {units[sku]} units in paid orders"


def _wrong_ends(after: Aftermath) -> Iterator[str]:
    for promise in after.promises:
        for order in (after.orders[order_id] for order_id in promise.order_ids if order_id in after.orders):
            if wrong := _wrong_end(promise, order):
                yield f"{order['id']}: {wrong}"


def _wrong_end(promise: Promise, order: Mapping[str, Any]) -> str:
    token = promise.planned.token
    if order["total"]["amount_minor"] != sum(line["total"]["amount_minor"] for line in order["lines"]):
        return "its total is not the sum of its lines"
    if order["status"] == "paid":
        if promise.cancel_accepted:
            return "paid, though its cancellation was accepted"
        return "" if token in PAYABLE else f"paid with {token}"
    if order["status"] != "cancelled":
        return ""
    allowed = {"out_of_stock", REASONS.get(token), "cancelled_by_customer" if promise.cancel_accepted else None}
    code = order["failure"]["code"]
    return "" if code in allowed else f"cancelled for {code} with {token}"


def _unanswered(after: Aftermath) -> Iterator[str]:
    missing = after.planned - len(after.promises)
    if missing:
        yield f"{missing} orders were not even begun"
    for promise in after.promises:
        if promise.complaint:
            yield f"{promise.planned.key}: {promise.complaint}"
        elif not promise.order_ids:
            yield f"{promise.planned.key}: the time was over"

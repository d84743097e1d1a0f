"""Invariants of money: where each order's is, against the provider's own books."""

from collections.abc import Iterator

from apps.shared.money import Money
from tools.audit.facts import Books, Ledger, Order, Payment
from tools.audit.look import Finding, Look, is_settled


def money_wrong(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        if is_settled(order):
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


def charged_twice(look: Look) -> Iterator[Finding]:
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


def ledger_differs(look: Look) -> Iterator[Finding]:
    for payment in look.facts.payments.values():
        order = look.find_order(payment.order_id)
        if order is None or is_settled(order):
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


def _written(money: Money | None) -> str:
    return f"{money.amount_minor} {money.currency}" if money and money.amount_minor else "nothing"

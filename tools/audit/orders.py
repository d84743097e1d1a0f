"""Invariants of orders: that each ends, that its workflows end with it, and that its customer is told."""

from collections.abc import Iterator

from tools.audit.facts import Order
from tools.audit.look import SOLD, TOLD, UNDER_WAY, Finding, Look, is_settled


def order_stuck(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        wrong = ""
        if order.status in UNDER_WAY and look.is_old(order.placed_at):
            wrong = f"{order.status}, placed at {order.placed_at}"
        elif not is_settled(order) and order.status in SOLD and look.is_old(order.cancel_requested_at):
            wrong = f"{order.status}, its cancellation was asked for at {order.cancel_requested_at}"
        yield order.order_id, wrong


def workflow_orphaned(look: Look) -> Iterator[Finding]:
    for order in look.facts.orders.values():
        if order.workflow.exists or order.cancellation.exists:
            yield order.order_id, "" if order.status else "a workflow exists, and there is no such order"


def workflow_lingers(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        if is_settled(order) and look.is_old(order.reached_at):
            runs = [
                name
                for name, workflow in (("checkout", order.workflow), ("cancellation", order.cancellation))
                if workflow.running
            ]
            yield order.order_id, f"{order.status}, and its {' and '.join(runs)} still runs" if runs else ""


def latest_event_id(order: Order) -> str | None:
    """The event that tells the customer of the order's status; None when there is none to tell."""
    return f"{order.order_id}:{order.status}" if order.status in TOLD else None


def told_event_ids(order: Order) -> list[str]:
    """The events of which the customer has heard if the order went through them; the latest is the last."""
    way = {"paid": ["confirmed"], "shipped": ["confirmed", "paid"], "delivered": ["confirmed", "paid", "shipped"]}
    way["cancelled"] = way["shipped"]
    earlier = [f"{order.order_id}:{status}" for status in way.get(order.status or "", [])]
    latest = latest_event_id(order)
    return [*earlier, latest] if latest else earlier


def message_missing(look: Look) -> Iterator[Finding]:
    for order, mail in _messages(look):
        yield order.order_id, f"no message says that the order is {order.status}" if mail is None else ""


def mail_unsent(look: Look) -> Iterator[Finding]:
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

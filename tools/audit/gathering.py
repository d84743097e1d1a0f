"""Gathers what the services have stored, page by page, through the gateway."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import TypeAdapter

from tools.audit.facts import Facts, Letter, Message, Order, Payment, Reservation, Stock
from tools.audit.orders import told_event_ids
from tools.deadletters import CONSUMERS, DEAD_LETTERS
from tools.local.api import Api

T = TypeVar("T")

AUDIT = "/api/v1/audit"
IDS_AT_ONCE = 40
"""Their address must fit into a sidecar's read buffer of 4 KiB."""


def gather(api: Api) -> Facts:
    """One look at a shop. Goods and money are read before the orders, which come into being first. Raises LocalError."""
    before = {stock.sku: stock for stock in _list(api, "stock", Stock)}
    reservations = {one.order_id: one for one in _list(api, "reservations", Reservation)}
    stocks = {stock.sku: stock for stock in _list(api, "stock", Stock)}
    payments = {one.order_id: one for one in _list(api, "payments", Payment)}
    orders = {one.order_id: one for one in _list(api, "orders", Order)}
    unpaid = [order_id for order_id in orders if order_id not in payments]
    payments |= {one.order_id: one for one in _ask(api, "payments", "order_ids", unpaid, Payment)}
    event_ids = [event_id for order in orders.values() for event_id in told_event_ids(order)]
    return Facts(
        stocks=stocks,
        moving=frozenset(sku for sku, stock in stocks.items() if before.get(sku) != stock),
        reservations=reservations,
        orders=orders,
        payments={order_id: one for order_id, one in payments.items() if one.ledger or one.books},
        messages={one.event_id: one for one in _ask(api, "notifications", "event_ids", event_ids, Message)},
        letters=tuple(
            Letter(consumer, letter["id"], letter["event_id"], letter["type"], letter["handled_at"] is not None)
            for consumer in CONSUMERS
            for letter in api.pages(f"{DEAD_LETTERS}/{consumer}")
        ),
    )


def _list(api: Api, listing: str, kind: type[T]) -> Iterator[T]:
    yield from map(TypeAdapter(kind).validate_python, api.pages(f"{AUDIT}/{listing}"))


def _ask(api: Api, listing: str, name: str, ids: Iterable[str], kind: type[T]) -> Iterator[T]:
    remaining = iter(ids)
    while batch := list(islice(remaining, IDS_AT_ONCE)):
        page = api.call("GET", f"{AUDIT}/{listing}?{urlencode([(name, one) for one in batch])}", expect={200}).body
        yield from TypeAdapter(list[kind]).validate_python(page["items"])  # type: ignore[valid-type]

"""Gathers what the services have stored, page by page, through the gateway."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import TypeAdapter

from tools.audit.facts import Facts, Message, Order, Payment, Reservation, Stock
from tools.audit.orders import latest_event_id
from tools.local.api import Api

T = TypeVar("T")

PAGE_ITEMS = 100
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
    event_ids = [event_id for order in orders.values() if (event_id := latest_event_id(order))]
    return Facts(
        stocks=stocks,
        moving=frozenset(sku for sku, stock in stocks.items() if before.get(sku) != stock),
        reservations=reservations,
        orders=orders,
        payments={order_id: one for order_id, one in payments.items() if one.ledger or one.books},
        messages={one.event_id: one for one in _ask(api, "notifications", "event_ids", event_ids, Message)},
    )


def _list(api: Api, listing: str, kind: type[T]) -> Iterator[T]:
    cursor: str | None = ""
    while cursor is not None:
        page = _get(api, listing, [("limit", str(PAGE_ITEMS)), *([("cursor", cursor)] if cursor else [])])
        yield from TypeAdapter(list[kind]).validate_python(page["items"])  # type: ignore[valid-type]
        cursor = page["next_cursor"]


def _ask(api: Api, listing: str, name: str, ids: Iterable[str], kind: type[T]) -> Iterator[T]:
    remaining = iter(ids)
    while batch := list(islice(remaining, IDS_AT_ONCE)):
        page = _get(api, listing, [(name, one) for one in batch])
        yield from TypeAdapter(list[kind]).validate_python(page["items"])  # type: ignore[valid-type]


def _get(api: Api, listing: str, query: list[tuple[str, str]]) -> Any:
    return api.call("GET", f"/api/v1/audit/{listing}?{urlencode(query)}", expect={200}).body

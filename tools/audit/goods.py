"""Invariants of stock and reservations: what is wrong with each SKU, and with what each order holds or has bought."""

from collections import Counter
from collections.abc import Callable, Iterator

from tools.audit.facts import Order, Stock
from tools.audit.look import SOLD, Finding, Look, is_settled


def stock_unbalanced(look: Look) -> Iterator[Finding]:
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


def reserved_differs(look: Look) -> Iterator[Finding]:
    return _compare_sums(look, "held", "reserved", lambda stock: stock.reserved)


def sold_differs(look: Look) -> Iterator[Finding]:
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


def hold_orphaned(look: Look) -> Iterator[Finding]:
    for reservation in look.facts.reservations.values():
        if reservation.status == "held":
            order = look.find_order(reservation.order_id)
            is_living = order is not None and order.status != "cancelled"
            yield reservation.order_id, "" if is_living else f"stock is held, and the order {_state(order)}"


def sale_unpaid(look: Look) -> Iterator[Finding]:
    for reservation in look.facts.reservations.values():
        if reservation.status == "sold":
            order = look.find_order(reservation.order_id)
            is_paid = order is not None and order.status in SOLD
            yield reservation.order_id, "" if is_paid else f"stock is sold, and the order {_state(order)}"


def sale_missing(look: Look) -> Iterator[Finding]:
    for order in look.saved_orders:
        if order.status in SOLD and is_settled(order) and look.is_old(order.reached_at):
            reservation = look.facts.reservations.get(order.order_id)
            status = reservation.status if reservation else "missing"
            yield order.order_id, "" if status == "sold" else f"{order.status}, and its reservation is {status}"


def _state(order: Order | None) -> str:
    return f"is {order.status}" if order else "does not exist"

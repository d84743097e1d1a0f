"""An order and the decisions about it: pure, with time and ids as arguments.

OrderError
├── EmptyCart            there is nothing to order
├── ProductUnavailable   the cart names a product that is no longer for sale
├── MixedCurrencies      the cart's prices have no common currency
├── OrderNotFound        no such order for this caller
├── TransitionRefused    the order's status does not allow the change
├── KeyReused            an idempotency key came back with another body
└── KeyInFlight          the first request under the key is still being handled
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from apps.shared.money import CurrencyMismatch, Money, total


class OrderError(Exception):
    """Root of the refusals of this service."""


class EmptyCart(OrderError):
    def __init__(self) -> None:
        super().__init__("The cart is empty: there is nothing to order.")


class ProductUnavailable(OrderError):
    def __init__(self, product_ids: tuple[str, ...]) -> None:
        super().__init__(f"No longer for sale: {', '.join(product_ids)}. Remove it from the cart and order again.")
        self.product_ids = product_ids


class MixedCurrencies(OrderError):
    def __init__(self) -> None:
        super().__init__("The cart holds prices in more than one currency; order them separately.")


class OrderNotFound(OrderError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id}.")
        self.order_id = order_id


class TransitionRefused(OrderError):
    def __init__(self, order_id: str, status: "OrderStatus", wanted: str) -> None:
        super().__init__(f"Order {order_id} is {status}: it cannot be {wanted}.")
        self.order_id, self.status, self.wanted = order_id, status, wanted


class KeyReused(OrderError):
    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request body.")


class KeyInFlight(OrderError):
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("The first request under this Idempotency-Key is still being handled; try again in a moment.")


class OrderStatus(StrEnum):
    DRAFT = "draft"
    CONFIRMED = "confirmed"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """`quantity` units at the price of the moment of ordering."""

    product_id: str
    sku: str
    name: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class ShippingAddress:
    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class PaymentChoice:
    """A provider and its single-use token. The token is dropped when the order can no longer be paid."""

    provider: str
    token: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    status: OrderStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the order was cancelled: a code of the public contract, and words for people."""

    code: str
    message: str


BY_CUSTOMER = Failure("cancelled_by_customer", "The customer cancelled the order.")
NOT_CARRIED_ON = Failure("internal_error", "The order was not carried on after it was placed.")


@dataclass(frozen=True, slots=True)
class Order:
    """An order and its history.

    `cancel_requested_at` is set once the customer wants out, and stops every later step forward. `unannounced` are statuses
    whose events may not have gone out; only changes outside a saga need it, since a saga repeats its step until the event is out.
    """

    id: str
    user_id: str
    lines: tuple[OrderLine, ...]
    total: Money
    payment: PaymentChoice
    shipping_address: ShippingAddress
    status: OrderStatus
    timeline: tuple[TimelineEntry, ...]
    failure: Failure | None = None
    cancel_requested_at: datetime | None = None
    unannounced: tuple[OrderStatus, ...] = ()

    @property
    def is_being_undone(self) -> bool:
        """Whether it was paid and its cancellation must run."""
        return self.status is OrderStatus.PAID and self.cancel_requested_at is not None

    def reached_at(self, status: OrderStatus) -> datetime:
        """When the order entered `status`. Raises StopIteration when it never did."""
        return next(entry.at for entry in self.timeline if entry.status is status)


def draft_order(
    *,
    order_id: str,
    user_id: str,
    lines: tuple[OrderLine, ...],
    payment: PaymentChoice,
    shipping_address: ShippingAddress,
    at: datetime,
) -> Order:
    """A new order in `draft`. Raises EmptyCart, MixedCurrencies, money.AmountOutOfRange."""
    if not lines:
        raise EmptyCart
    try:
        amount = total((line.total for line in lines), currency=lines[0].unit_price.currency)
    except CurrencyMismatch as error:
        raise MixedCurrencies from error
    timeline = (TimelineEntry(OrderStatus.DRAFT, at),)
    return Order(order_id, user_id, lines, amount, payment, shipping_address, OrderStatus.DRAFT, timeline)


def as_drafted(order: Order) -> Order:
    """The order as it was first answered: what a repeated request under the same idempotency key is told."""
    return replace(order, status=OrderStatus.DRAFT, timeline=order.timeline[:1], failure=None, cancel_requested_at=None)


_FORWARD = {
    OrderStatus.CONFIRMED: OrderStatus.DRAFT,
    OrderStatus.PAID: OrderStatus.CONFIRMED,
    OrderStatus.SHIPPED: OrderStatus.PAID,
    OrderStatus.DELIVERED: OrderStatus.SHIPPED,
}
_PROGRESS = (*_FORWARD.values(), OrderStatus.DELIVERED)


def advance(order: Order, to: OrderStatus, at: datetime) -> tuple[Order, Failure | None]:
    """One step forward; the order unchanged when it is there or further already.

    A cancelled or cancelling order comes back unchanged with the failure it ends with.
    Raises TransitionRefused when a status would be skipped.
    """
    if order.status is OrderStatus.CANCELLED:
        return order, order.failure
    if _PROGRESS.index(order.status) >= _PROGRESS.index(to):
        return order, None
    if order.cancel_requested_at is not None:
        return order, BY_CUSTOMER
    if order.status is not _FORWARD[to]:
        raise TransitionRefused(order.id, order.status, to)
    return _enter(order, to, at), None


def fulfil(order: Order, to: OrderStatus, at: datetime) -> Order:
    """Ship or deliver. Raises TransitionRefused when out of order; being there already is no error."""
    if order.status is to:
        return order
    moved, refusal = advance(order, to, at)
    if refusal is not None or moved is order:
        raise TransitionRefused(order.id, order.status, to)
    return to_announce(moved)


def request_cancellation(order: Order, at: datetime) -> Order:
    """Note that the customer wants out; the first time counts. Raises TransitionRefused once shipped."""
    if order.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        raise TransitionRefused(order.id, order.status, OrderStatus.CANCELLED)
    if order.status is OrderStatus.CANCELLED or order.cancel_requested_at is not None:
        return order
    return replace(order, cancel_requested_at=at)


def cancel(order: Order, failure: Failure, at: datetime) -> Order:
    """End the order; unchanged when it has ended so already. Raises TransitionRefused once shipped.

    One that was paid ends because its customer wanted so, whichever saga comes first: a checkout whose start was repeated finds nothing
    to hold any more once the other has given it back.
    """
    if order.status is OrderStatus.CANCELLED:
        return order
    if order.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        raise TransitionRefused(order.id, order.status, OrderStatus.CANCELLED)
    reason = BY_CUSTOMER if order.is_being_undone else failure
    return replace(_enter(order, OrderStatus.CANCELLED, at), failure=reason)


def to_announce(order: Order) -> Order:
    """The order with its present status noted as not told yet."""
    return replace(order, unannounced=(*order.unannounced, order.status))


def announced(order: Order, statuses: tuple[OrderStatus, ...]) -> Order:
    """The order with `statuses` noted as told."""
    return replace(order, unannounced=tuple(status for status in order.unannounced if status not in statuses))


def _enter(order: Order, status: OrderStatus, at: datetime) -> Order:
    spent = status in (OrderStatus.PAID, OrderStatus.CANCELLED)
    payment = replace(order.payment, token="") if spent else order.payment
    return replace(order, status=status, timeline=(*order.timeline, TimelineEntry(status, at)), payment=payment)

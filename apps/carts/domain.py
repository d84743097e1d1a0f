"""A cart and the decisions about it: pure, with time as an argument.

CartError
├── CartIdMalformed   an X-Cart-Id that was not made here
├── CartFull          a cart has as many lines as it may
├── CartChanged       the cart is no longer the one that the caller has read
└── ProductUnknown    the product is not for sale
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

MAX_QUANTITY = 999
MAX_LINES = 100
_REMEMBERED = 20
_GUEST_ID = re.compile(r"crt_[0-9a-z]{26}[0-9a-f]{16}")


class CartError(Exception):
    """Root of the refusals of this service."""


class CartIdMalformed(CartError):
    def __init__(self) -> None:
        super().__init__("This X-Cart-Id was not made here; leave it out to get a new cart.")


class CartFull(CartError):
    def __init__(self) -> None:
        super().__init__(f"A cart holds at most {MAX_LINES} different products.")


class CartChanged(CartError):
    def __init__(self) -> None:
        super().__init__("The cart was changed since it was read; read it again.")


class ProductUnknown(CartError):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"There is no product {product_id} for sale.")
        self.product_id = product_id


Lines = dict[str, int]
"""Quantities by product id, in the order of their first adding."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A guest cart's lines on their way into the cart of `user_id`.

    `id` names this one transfer for ever: it holds the time, since a cart that has expired remembers no count.
    """

    id: str
    user_id: str
    lines: Lines


@dataclass(frozen=True, slots=True)
class Cart:
    """What one person means to buy.

    `taken` are lines that orders have taken out and not settled yet, by order id. `returned` are the latest orders that gave back what
    they took: they take no more, since the request to take may come in after the one to give back. `handover` is a guest cart's transfer
    that has not been confirmed; `absorbed` are the latest transfers that this cart has taken in, so that none counts twice.
    """

    lines: Lines = field(default_factory=dict)
    taken: dict[str, Lines] = field(default_factory=dict)
    returned: tuple[str, ...] = ()
    handover: Handover | None = None
    absorbed: tuple[str, ...] = ()
    updated_at: datetime | None = None


def is_guest_id(cart_id: str) -> bool:
    """Whether a cart id is a guest's, and well formed."""
    return _GUEST_ID.fullmatch(cart_id) is not None


def put(cart: Cart, product_id: str, quantity: int, at: datetime) -> Cart | None:
    """Set a line's quantity, 0 removes it; None when the cart has too many lines already."""
    lines = {key: value for key, value in cart.lines.items() if key != product_id or quantity}
    if quantity:
        if product_id not in lines and len(lines) >= MAX_LINES:
            return None
        lines[product_id] = quantity
    return replace(cart, lines=lines, updated_at=at)


def clear(cart: Cart, at: datetime) -> Cart:
    """No lines; what orders have taken stays theirs."""
    return cart if not cart.lines else replace(cart, lines={}, updated_at=at)


def take(cart: Cart, order_id: str, at: datetime) -> tuple[Cart, Lines]:
    """Move all lines to the order; one that has taken gets the same lines again. None for one that gave back, or from an empty cart."""
    if order_id in cart.taken:
        return cart, cart.taken[order_id]
    if order_id in cart.returned or not cart.lines:
        return cart, {}
    return replace(cart, lines={}, taken={**cart.taken, order_id: cart.lines}, updated_at=at), cart.lines


def settle(cart: Cart, order_id: str, *, restore: bool, at: datetime) -> Cart:
    """End what the order took: back into the cart, or gone. An order that took nothing, or is settled, changes no line."""
    if order_id in cart.returned or not (restore or order_id in cart.taken):
        return cart
    taken = {key: lines for key, lines in cart.taken.items() if key != order_id}
    lines = _added(cart.lines, cart.taken.get(order_id, {})) if restore else cart.lines
    returned = _remembered(cart.returned, order_id) if restore else cart.returned
    return replace(cart, lines=lines, taken=taken, returned=returned, updated_at=at)


def hand_over(cart: Cart, cart_id: str, user_id: str, at: datetime) -> tuple[Cart, Handover | None]:
    """Move a guest cart's lines towards a user; the same transfer again until it is confirmed, None when there is nothing to move."""
    if cart.handover is not None:
        return cart, cart.handover if cart.handover.user_id == user_id else None
    if not cart.lines:
        return cart, None
    handover = Handover(f"{cart_id}/{at.isoformat()}", user_id, cart.lines)
    return replace(cart, lines={}, handover=handover, updated_at=at), handover


def absorb(cart: Cart, handover_id: str, lines: Lines, at: datetime) -> Cart:
    """Add the lines of a transfer, once; those for which the cart has no room are left out."""
    if handover_id in cart.absorbed:
        return cart
    absorbed = _remembered(cart.absorbed, handover_id)
    merged = dict(list(_added(cart.lines, lines).items())[: max(MAX_LINES, len(cart.lines))])
    return replace(cart, lines=merged, absorbed=absorbed, updated_at=at)


def confirm(cart: Cart, handover_id: str) -> Cart:
    """The transfer has arrived: the guest cart may forget it."""
    return replace(cart, handover=None) if cart.handover and cart.handover.id == handover_id else cart


def remaining(cart: Cart, ttl: timedelta, now: datetime) -> timedelta:
    """How long a guest's cart has still to live; zero or less when it is over, or never was."""
    return cart.updated_at + ttl - now if cart.updated_at else timedelta(0)


def _remembered(earlier: tuple[str, ...], latest: str) -> tuple[str, ...]:
    """The latest of these ids, so that a cart does not grow with its age."""
    return (*earlier, latest)[-_REMEMBERED:]


def _added(lines: Lines, more: Mapping[str, int]) -> Lines:
    sums = {key: min(lines.get(key, 0) + more.get(key, 0), MAX_QUANTITY) for key in (*lines, *more)}
    return dict(sums)

"""The ways through the saga on which an order can be stopped, and what must become of each order whatever is killed then."""

from collections.abc import Iterator
from dataclasses import dataclass

QUIET = ("before", "before-write", "before-answer")
TELLING = ("before", "before-write", "before-event", "before-answer")
PAYING = ("before", "before-write", "after-write", "before-answer")
PAYING_AND_TELLING = ("before", "before-write", "after-write", "before-event", "before-answer")

RESERVE, AUTHORIZE, CONFIRM = "inventory.reserve_stock", "payments.authorize_payment", "orders.confirm_order"
CAPTURE, MARK_PAID = "payments.capture_payment", "orders.mark_paid"
VOID, REFUND = "payments.void_authorization", "payments.refund_payment"
RELEASE, CANCEL = "inventory.release_stock", "orders.cancel_order"

POINTS = {
    RESERVE: QUIET,
    AUTHORIZE: PAYING,
    CONFIRM: TELLING,
    CAPTURE: PAYING_AND_TELLING,
    MARK_PAID: TELLING,
    VOID: PAYING,
    REFUND: PAYING_AND_TELLING,
    RELEASE: QUIET,
    CANCEL: TELLING,
}
"""Where each step can stop, once for each thing that it can have done by then."""

HELD_BACK = {
    f"{CONFIRM} before-event": "confirmed",
    f"{MARK_PAID} before-event": "paid",
    f"{CANCEL} before-event": "cancelled",
}
"""The statuses that an order which stands here has reached, and that nobody was told."""


@dataclass(frozen=True, slots=True)
class Story:
    """An order paid with `token` that stands at `stop` when something is killed.

    The customer cancels it while it stands at `cancelled_at`, which may be where it stays.
    It ends by `code` or, without one, paid; its money was `captured`; its customer gets each of `mails` once, and perhaps
    `overtaken`: it was paid and is cancelled before anyone was told, so that who repeats the telling finds nothing to tell.
    """

    stop: str
    mails: tuple[str, ...]
    token: str = "tok_visa"
    captured: bool = True
    code: str = ""
    cancelled_at: str = ""
    overtaken: str = ""

    @property
    def by_saga_of_its_own(self) -> bool:
        """Whether the customer cancels it once it is paid, and so begins what stops at `stop`."""
        return self.cancelled_at == f"{MARK_PAID} before-answer"

    @property
    def way(self) -> str:
        return f"cancelled at {self.cancelled_at}" if self.cancelled_at else self.token


def stories() -> Iterator[Story]:
    """Every point of every step, forward and backward, and cancellations that race with each step forward."""
    for step in (RESERVE, AUTHORIZE, CONFIRM, CAPTURE, MARK_PAID):
        for stop in points_of(step):
            yield Story(stop, ("confirmed", "paid"))
    for stop in (f"{AUTHORIZE} before-write", *points_of(RELEASE, CANCEL)):
        yield Story(stop, ("cancelled",), token="tok_chargeDeclined", captured=False, code="payment_declined")
    for stop in (f"{CAPTURE} before-write", *points_of(VOID)):
        mails = ("confirmed", "cancelled")
        yield Story(stop, mails, token="tok_captureFails", captured=False, code="capture_failed")
    for stop in points_of(REFUND):
        yield by_customer(stop, ("confirmed", "cancelled"), cancelled_at=f"{CAPTURE} before")
    for stop in points_of(REFUND, RELEASE, CANCEL):
        yield by_customer(stop, ("confirmed", "paid", "cancelled"), cancelled_at=f"{MARK_PAID} before-answer")
    for stop in (f"{RESERVE} before-answer", f"{AUTHORIZE} before-answer", f"{CONFIRM} before-write"):
        yield by_customer(stop, ("cancelled",), cancelled_at=stop, captured=False)
    for stop in (f"{CONFIRM} before-event", f"{CAPTURE} before-event", f"{MARK_PAID} before-write"):
        yield by_customer(stop, ("confirmed", "cancelled"), cancelled_at=stop)
    stop = f"{MARK_PAID} before-event"
    yield by_customer(stop, ("confirmed", "cancelled"), cancelled_at=stop, overtaken="paid")


def by_customer(
    stop: str, mails: tuple[str, ...], *, cancelled_at: str, captured: bool = True, overtaken: str = ""
) -> Story:
    code = "cancelled_by_customer"
    return Story(stop, mails, captured=captured, code=code, cancelled_at=cancelled_at, overtaken=overtaken)


def points_of(*steps: str) -> list[str]:
    return [f"{step} {where}" for step in steps for where in POINTS[step]]

"""The payment of an order and the decisions about it: pure, with time and ids as arguments.

PaymentError
├── PaymentUnknown    a step that moves money met an order without an authorization
├── AmountDiffers     an order came back with another amount than was authorized
└── MoneyStillHeld    the provider holds money that it was told to let go of
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from apps.shared.money import Money


class PaymentError(Exception):
    """Root of the faults of this service."""


class PaymentUnknown(PaymentError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} has no authorized payment")
        self.order_id = order_id


class AmountDiffers(PaymentError):
    def __init__(self, order_id: str, authorized: Money, wanted: Money) -> None:
        super().__init__(f"order {order_id}: {authorized} was authorized, {wanted} is wanted")
        self.order_id, self.authorized, self.wanted = order_id, authorized, wanted


class MoneyStillHeld(PaymentError):
    def __init__(self, order_id: str, standing: str) -> None:
        super().__init__(f"order {order_id} is still {standing} at the provider, which was told to let go of it")
        self.order_id, self.standing = order_id, standing


class PaymentStatus(StrEnum):
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUSED = "refused"
    VOIDED = "voided"
    REFUNDED = "refunded"


class MovementKind(StrEnum):
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger: money that the provider held, took, let go of or gave back."""

    kind: MovementKind
    amount: Money
    at: datetime
    provider_reference: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step was not done: a failure code of the public contract, and words for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Payment:
    """The payment of one order and its ledger. There is one for each order, for good: a voided one is never authorized again.

    `capture_refusal` is set when the provider would not take what it had authorized.
    """

    id: str
    order_id: str
    provider: str
    amount: Money
    status: PaymentStatus
    movements: tuple[Movement, ...] = ()
    refusal: Refusal | None = None
    capture_refusal: Refusal | None = None

    @property
    def was_captured(self) -> bool:
        return any(line.kind is MovementKind.CAPTURE for line in self.movements)

    @property
    def held(self) -> Money:
        """What was captured and not refunded."""
        sign = {MovementKind.CAPTURE: 1, MovementKind.REFUND: -1}
        return Money(
            sum(sign.get(line.kind, 0) * line.amount.amount_minor for line in self.movements), self.amount.currency
        )


def authorized(
    payment_id: str, order_id: str, *, provider: str, amount: Money, reference: str, at: datetime
) -> Payment:
    """A payment that the provider holds."""
    movement = Movement(MovementKind.AUTHORIZATION, amount, at, reference)
    return Payment(payment_id, order_id, provider, amount, PaymentStatus.AUTHORIZED, (movement,))


def refused(payment_id: str, order_id: str, *, provider: str, amount: Money, refusal: Refusal) -> Payment:
    """A payment that the provider or the fraud check would not have."""
    return Payment(payment_id, order_id, provider, amount, PaymentStatus.REFUSED, refusal=refusal)


def captured(payment: Payment, *, reference: str, at: datetime) -> Payment:
    """The provider took the money."""
    return _moved(payment, PaymentStatus.CAPTURED, MovementKind.CAPTURE, payment.amount, reference, at)


def capture_refused(payment: Payment, refusal: Refusal) -> Payment:
    """The provider would not take the money; the authorization stands until it is voided."""
    return replace(payment, capture_refusal=refusal)


def voided(payment: Payment, *, reference: str, at: datetime) -> Payment:
    """The provider let go of the authorization."""
    return _moved(payment, PaymentStatus.VOIDED, MovementKind.VOID, payment.amount, reference, at)


def refunded(payment: Payment, *, reference: str, at: datetime) -> Payment:
    """The provider gave the money back."""
    return _moved(payment, PaymentStatus.REFUNDED, MovementKind.REFUND, payment.amount, reference, at)


def never_authorized(payment_id: str, order_id: str, *, provider: str, currency: str) -> Payment:
    """A tombstone: an authorization that comes later must be let go of."""
    return Payment(payment_id, order_id, provider, Money(0, currency), PaymentStatus.VOIDED)


def _moved(
    payment: Payment, status: PaymentStatus, kind: MovementKind, amount: Money, reference: str, at: datetime
) -> Payment:
    line = Movement(kind, amount, at, reference)
    return replace(payment, status=status, movements=(*payment.movements, line))

"""What `payments` says and is told: its events and its saga steps."""

from typing import ClassVar

from apps.shared.contracts.amount import Amount
from apps.shared.contracts.event import Event
from apps.shared.contracts.step import StepInput

TOPIC = "payments"

AUTHORIZE_PAYMENT = "payments.authorize_payment"
CAPTURE_PAYMENT = "payments.capture_payment"
VOID_AUTHORIZATION = "payments.void_authorization"
REFUND_PAYMENT = "payments.refund_payment"


class PaymentEvent(Event):
    """Money moved. `event_id` is `<order_id>:<movement>`."""

    topic: ClassVar[str] = TOPIC

    order_id: str
    payment_id: str
    amount: Amount

    @property
    def partition_key(self) -> str:
        return self.order_id


class PaymentCaptured(PaymentEvent):
    """The provider took the money."""

    type: ClassVar[str] = "payments.payment-captured.v1"


class PaymentRefunded(PaymentEvent):
    """The provider gave the money back."""

    type: ClassVar[str] = "payments.payment-refunded.v1"


class AuthorizePayment(StepInput):
    """Saga step: have the provider hold `amount`. Refused as `payment_declined` or `fraud_suspected`."""

    amount: Amount


class CapturePayment(StepInput):
    """Saga step: take what was authorized. Refused as `capture_failed`."""


class VoidAuthorization(StepInput):
    """Saga step: let go of an authorization. Never refused; an order without one gets none later either."""


class RefundPayment(StepInput):
    """Saga step: give back all that was captured, or let go of what was only authorized. Never refused."""

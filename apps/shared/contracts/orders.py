"""What `orders` says and is told: its events, its saga steps and the answers it gives to peers."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from apps.shared.contracts.amount import Amount
from apps.shared.contracts.event import Event
from apps.shared.contracts.step import StepInput

TOPIC = "orders"

CONFIRM_ORDER = "orders.confirm_order"
MARK_PAID = "orders.mark_paid"
CANCEL_ORDER = "orders.cancel_order"


class FailureCode(StrEnum):
    """Why an order was cancelled."""

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    FRAUD_SUSPECTED = "fraud_suspected"
    CAPTURE_FAILED = "capture_failed"
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    INTERNAL_ERROR = "internal_error"


class OrderEvent(Event):
    """Something happened to an order. `event_id` is `<order_id>:<status>`, since an order enters each status once."""

    topic: ClassVar[str] = TOPIC

    order_id: str
    user_id: str
    total: Amount

    @property
    def partition_key(self) -> str:
        return self.order_id


class OrderConfirmed(OrderEvent):
    """Stock is reserved and the payment authorized."""

    type: ClassVar[str] = "orders.order-confirmed.v1"


class OrderPaid(OrderEvent):
    """The payment is captured: the reserved stock is sold."""

    type: ClassVar[str] = "orders.order-paid.v1"


class OrderCancelled(OrderEvent):
    """The order ended without a sale, or its sale was undone; whatever it held is given back."""

    type: ClassVar[str] = "orders.order-cancelled.v1"

    code: FailureCode
    message: str


class OrderShipped(OrderEvent):
    """The goods left the warehouse."""

    type: ClassVar[str] = "orders.order-shipped.v1"


class OrderDelivered(OrderEvent):
    """The goods arrived."""

    type: ClassVar[str] = "orders.order-delivered.v1"


class ConfirmOrder(StepInput):
    """Saga step: `draft` → `confirmed`. Refused when the customer has asked to cancel."""


class MarkPaid(StepInput):
    """Saga step: `confirmed` → `paid`. Refused when the customer has asked to cancel."""


class CancelOrder(StepInput):
    """Saga step: end the order as `cancelled`. Never refused."""

    code: FailureCode
    message: str


class PaymentInstrument(BaseModel):
    """How an order is to be paid; `payments` asks for it when it authorizes, so that no token stands in workflow history."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    user_id: str
    provider: str
    token: str


class OrderStanding(BaseModel):
    """Where an order stands; `inventory` asks before it gives up a reservation."""

    model_config = ConfigDict(frozen=True)

    status: str

"""Requests and answers of the orders API."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from apps.orders.domain import Order, PaymentChoice, ShippingAddress
from apps.orders.ports import AuditedOrder
from apps.shared.contracts.address import PostalAddress
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.checkout import WorkflowStatus


class PaymentIn(BaseModel):
    """Which provider is to charge which of its tokens. Card data never comes here."""

    model_config = ConfigDict(extra="forbid")

    provider: str = Field(pattern="^[a-z]{1,32}$", examples=["sandbox"])
    token: str = Field(min_length=1, max_length=200, pattern="^[A-Za-z0-9_-]+$", examples=["tok_visa"])

    def choice(self) -> PaymentChoice:
        return PaymentChoice(self.provider, self.token)


class AddressIn(PostalAddress):
    """Where to ship to."""

    def address(self) -> ShippingAddress:
        return ShippingAddress(**self.model_dump())


class PlaceOrder(BaseModel):
    """Order the caller's cart."""

    model_config = ConfigDict(extra="forbid")

    payment: PaymentIn
    shipping_address: AddressIn


class LineOut(BaseModel):
    product_id: str
    sku: str
    name: str
    quantity: int
    unit_price: Amount
    total: Amount


class TimelineOut(BaseModel):
    status: str
    at: datetime


class PaymentOut(BaseModel):
    provider: str


class FailureOut(BaseModel):
    """Why the order was cancelled."""

    code: str
    message: str


class AddressOut(BaseModel):
    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str


class OrderOut(BaseModel):
    """An order as its owner sees it."""

    id: str
    user_id: str
    status: str
    lines: list[LineOut]
    total: Amount
    payment: PaymentOut
    shipping_address: AddressOut
    timeline: list[TimelineOut]
    failure: FailureOut | None = None
    cancel_requested_at: datetime | None = None

    @classmethod
    def of(cls, order: Order) -> "OrderOut":
        address = order.shipping_address
        return cls(
            id=order.id,
            user_id=order.user_id,
            status=order.status,
            lines=[
                LineOut(
                    product_id=line.product_id,
                    sku=line.sku,
                    name=line.name,
                    quantity=line.quantity,
                    unit_price=Amount.of(line.unit_price),
                    total=Amount.of(line.total),
                )
                for line in order.lines
            ],
            total=Amount.of(order.total),
            payment=PaymentOut(provider=order.payment.provider),
            shipping_address=AddressOut(**{name: getattr(address, name) for name in AddressOut.model_fields}),
            timeline=[TimelineOut(status=entry.status, at=entry.at) for entry in order.timeline],
            failure=FailureOut(code=order.failure.code, message=order.failure.message) if order.failure else None,
            cancel_requested_at=order.cancel_requested_at,
        )


class AuditedWorkflow(BaseModel):
    """Whether a workflow is known, and still runs; one that ended is forgotten after a while."""

    exists: bool
    running: bool

    @classmethod
    def of(cls, status: WorkflowStatus) -> "AuditedWorkflow":
        return cls(exists=status.exists, running=status.running)


class AuditedOrderOut(BaseModel):
    """Where an order stands, without its person. An order that was begun and never saved has no more than its id."""

    order_id: str
    status: str | None
    total: Amount | None
    placed_at: datetime | None
    reached_at: datetime | None
    cancel_requested_at: datetime | None
    workflow: AuditedWorkflow
    cancellation: AuditedWorkflow

    @classmethod
    def of(cls, audited: AuditedOrder) -> "AuditedOrderOut":
        order = audited.order
        return cls(
            order_id=audited.order_id,
            status=order.status if order else None,
            total=Amount.of(order.total) if order else None,
            placed_at=order.timeline[0].at if order else None,
            reached_at=order.reached_at(order.status) if order else None,
            cancel_requested_at=order.cancel_requested_at if order else None,
            workflow=AuditedWorkflow.of(audited.workflow),
            cancellation=AuditedWorkflow.of(audited.cancellation),
        )


class AuditedOrderPage(BaseModel):
    """All orders that were ever begun, oldest hour first; one may come more than once."""

    items: list[AuditedOrderOut]
    next_cursor: str | None


class OrderPage(BaseModel):
    """Orders, newest first."""

    items: list[OrderOut]
    next_cursor: str | None

"""What `checkout` is told by `orders`: to run the saga of an order, or to undo a paid one."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from apps.shared.contracts.amount import Amount
from apps.shared.contracts.inventory import StockLine

CHECKOUT_WORKFLOW = "checkout"
CANCELLATION_WORKFLOW = "cancellation"


def cancellation_id(order_id: str) -> str:
    """Instance id of the workflow that undoes a paid order."""
    return f"{order_id}-cancellation"


class StartCheckout(BaseModel):
    """Run the checkout saga of an order; it becomes the workflow's input, so it names no person and no token."""

    model_config = ConfigDict(frozen=True)

    order_id: str
    lines: tuple[StockLine, ...]
    total: Amount


class StartCancellation(BaseModel):
    """Refund a paid order, give its stock back and cancel it."""

    model_config = ConfigDict(frozen=True)

    order_id: str


class WorkflowStatus(BaseModel):
    """Whether a workflow of an order exists, and has ended; `went_on_at` is when anything last happened in one that should go on."""

    model_config = ConfigDict(frozen=True)

    exists: bool
    running: bool
    went_on_at: datetime | None = None


class AskWorkflows(BaseModel):
    """Where do these workflow instances stand? For the audit, which asks about many at once."""

    model_config = ConfigDict(frozen=True)

    instance_ids: tuple[str, ...] = Field(max_length=200)


class WorkflowStatuses(BaseModel):
    """By instance id, each that was asked about."""

    model_config = ConfigDict(frozen=True)

    statuses: dict[str, WorkflowStatus]


class Started(BaseModel):
    """The workflow was scheduled under `instance_id`."""

    model_config = ConfigDict(frozen=True)

    instance_id: str

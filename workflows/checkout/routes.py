"""Starts workflows for `orders`, and tells whether they run."""

from fastapi import APIRouter

from apps.shared.contracts.checkout import (
    CANCELLATION_WORKFLOW,
    CHECKOUT_WORKFLOW,
    StartCancellation,
    StartCheckout,
    Started,
    WorkflowStatus,
    cancellation_id,
)
from apps.shared.platform.telemetry import about_order
from apps.shared.platform.workflows import PENDING, RUNNING, Workflows


def build_router(workflows: Workflows) -> APIRouter:
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.post("/checkouts", status_code=202)
    async def start_checkout(command: StartCheckout) -> Started:
        with about_order(command.order_id):
            await workflows.schedule(CHECKOUT_WORKFLOW, command.order_id, command.model_dump(mode="json"))
        return Started(instance_id=command.order_id)

    @router.get("/checkouts/{order_id}")
    async def checkout_status(order_id: str) -> WorkflowStatus:
        return await look_after(workflows, order_id)

    @router.post("/cancellations", status_code=202)
    async def start_cancellation(command: StartCancellation) -> Started:
        instance_id = cancellation_id(command.order_id)
        with about_order(command.order_id):
            if not (await look_after(workflows, instance_id)).exists:
                await workflows.schedule(CANCELLATION_WORKFLOW, instance_id, command.model_dump(mode="json"))
        return Started(instance_id=instance_id)

    return router


async def look_after(workflows: Workflows, instance_id: str) -> WorkflowStatus:
    """How an instance stands; one that has not begun yet is woken, since nobody else might do it."""
    status = await workflows.find_status(instance_id)
    if status == PENDING:
        await workflows.wake(instance_id)
    return WorkflowStatus(exists=status is not None, running=status in RUNNING)

"""Starts workflows for `orders`, and tells whether they run."""

import asyncio
import logging

from fastapi import APIRouter

from apps.shared.contracts.checkout import (
    CANCELLATION_WORKFLOW,
    CHECKOUT_WORKFLOW,
    AskWorkflows,
    StartCancellation,
    StartCheckout,
    Started,
    WorkflowStatus,
    WorkflowStatuses,
    cancellation_id,
)
from apps.shared.contracts.nothing import Nothing
from apps.shared.platform.telemetry import about_order
from apps.shared.platform.workflows import PATIENT, PENDING, STALLED, Instance, Workflows

log = logging.getLogger(__name__)


def build_router(workflows: Workflows) -> APIRouter:
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.post("/checkouts", status_code=202)
    async def start_checkout(command: StartCheckout) -> Started:
        with about_order(command.order_id):
            await workflows.schedule(CHECKOUT_WORKFLOW, command.order_id, command.model_dump(mode="json"))
        return Started(instance_id=command.order_id)

    @router.post("/cancellations", status_code=202)
    async def start_cancellation(command: StartCancellation) -> Started:
        instance_id = cancellation_id(command.order_id)
        with about_order(command.order_id):
            if not (await look_after(workflows, instance_id)).running:
                await workflows.schedule(CANCELLATION_WORKFLOW, instance_id, command.model_dump(mode="json"))
        return Started(instance_id=instance_id)

    @router.get("/workflows/{instance_id}")
    async def workflow_status(instance_id: str) -> WorkflowStatus:
        return await look_after(workflows, instance_id)

    @router.post("/workflows/{instance_id}/end")
    async def end_workflow(instance_id: str) -> Nothing:
        await workflows.end(instance_id)
        return Nothing()

    @router.post("/workflows")
    async def workflow_statuses(question: AskWorkflows) -> WorkflowStatuses:
        found = await asyncio.gather(*(standing(workflows, instance_id) for instance_id in question.instance_ids))
        return WorkflowStatuses(statuses=dict(zip(question.instance_ids, found, strict=True)))

    return router


async def standing(workflows: Workflows, instance_id: str) -> WorkflowStatus:
    """How an instance stands."""
    return _standing(await workflows.find(instance_id))


async def look_after(workflows: Workflows, instance_id: str) -> WorkflowStatus:
    """How an instance stands; one that has not begun yet is woken, since nobody else might do it."""
    instance = await workflows.find(instance_id)
    if instance and instance.status == PENDING:
        await workflows.wake(instance_id)
    if instance and instance.status == STALLED:
        log.error("workflow %s waits for a worker that has the version it began with", instance_id)
    return _standing(instance)


def _standing(instance: Instance | None) -> WorkflowStatus:
    if instance is None:
        return WorkflowStatus(exists=False, running=False)
    went_on_at = None if instance.status in PATIENT else instance.went_on_at
    return WorkflowStatus(exists=True, running=instance.is_running, went_on_at=went_on_at)

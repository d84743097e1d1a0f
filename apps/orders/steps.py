"""The saga steps that orders offers: activity in, use case."""

from apps.orders.domain import Failure
from apps.orders.service import OrderService
from apps.shared.contracts.orders import CANCEL_ORDER, CONFIRM_ORDER, MARK_PAID, CancelOrder, ConfirmOrder, MarkPaid
from apps.shared.contracts.step import StepOutcome
from apps.shared.platform.steps import WorkflowWorker


def offer_steps(worker: WorkflowWorker, service: OrderService) -> None:
    """Register the steps; `config/access/orders.yaml` lets `checkout` alone run them."""

    async def confirm(command: ConfirmOrder) -> StepOutcome:
        return await service.confirm(command.order_id)

    async def mark_paid(command: MarkPaid) -> StepOutcome:
        return await service.mark_paid(command.order_id)

    async def cancel(command: CancelOrder) -> StepOutcome:
        return await service.cancel(command.order_id, Failure(command.code, command.message))

    worker.offer(CONFIRM_ORDER, ConfirmOrder, confirm)
    worker.offer(MARK_PAID, MarkPaid, mark_paid)
    worker.offer(CANCEL_ORDER, CancelOrder, cancel)

"""The saga steps that inventory offers: activity in, use case."""

from apps.inventory.service import InventoryService
from apps.shared.contracts.inventory import RELEASE_STOCK, RESERVE_STOCK, ReleaseStock, ReserveStock
from apps.shared.contracts.step import StepOutcome
from apps.shared.platform.steps import WorkflowWorker


def offer_steps(worker: WorkflowWorker, service: InventoryService) -> None:
    """Register the steps; `config/access/inventory.yaml` lets `checkout` alone run them."""

    async def reserve(command: ReserveStock) -> StepOutcome:
        return await service.reserve(command.order_id, command.lines)

    async def release(command: ReleaseStock) -> StepOutcome:
        return await service.release(command.order_id)

    worker.offer(RESERVE_STOCK, ReserveStock, reserve)
    worker.offer(RELEASE_STOCK, ReleaseStock, release)

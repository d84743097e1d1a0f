"""What inventory does when orders change: topic in, use case."""

from apps.inventory.service import InventoryService
from apps.shared.contracts.orders import OrderCancelled, OrderPaid
from apps.shared.platform.subscriptions import Subscriptions


def subscribe(subscriptions: Subscriptions, service: InventoryService) -> None:
    """A paid order turns its reservation into a sale; a cancelled one gives back what the saga has not."""

    async def sell(event: OrderPaid) -> None:
        await service.sell(event.order_id)

    async def release(event: OrderCancelled) -> None:
        await service.release(event.order_id)

    subscriptions.on(OrderPaid, sell)
    subscriptions.on(OrderCancelled, release)

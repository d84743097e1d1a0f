"""What carts does when orders end: topic in, use case."""

from apps.carts.service import CartService
from apps.shared.contracts.orders import FailureCode, OrderCancelled, OrderPaid
from apps.shared.platform.subscriptions import Subscriptions


def subscribe(subscriptions: Subscriptions, service: CartService) -> None:
    """A paid order keeps what it took; a failed one gives it back, unless the customer did not want it any more."""

    async def drop(event: OrderPaid) -> None:
        await service.drop(event.user_id, event.order_id)

    async def settle(event: OrderCancelled) -> None:
        if event.code is FailureCode.CANCELLED_BY_CUSTOMER:
            await service.drop(event.user_id, event.order_id)
        else:
            await service.restore(event.user_id, event.order_id)

    subscriptions.on(OrderPaid, drop)
    subscriptions.on(OrderCancelled, settle)

"""What people are told when orders change: topic in, use case."""

from apps.notifications.domain import Kind
from apps.notifications.ports import Facts
from apps.notifications.service import NotificationService
from apps.shared.contracts.orders import OrderCancelled, OrderConfirmed, OrderEvent, OrderPaid, OrderShipped
from apps.shared.platform.subscriptions import Subscriptions


def subscribe(subscriptions: Subscriptions, service: NotificationService) -> None:
    """A message for an order confirmed, paid, cancelled, shipped."""

    async def tell(event: OrderEvent, kind: Kind, reason: str = "") -> None:
        facts = Facts(event.order_id, event.total.money(), reason)
        await service.notify(event_id=event.event_id, user_id=event.user_id, kind=kind, facts=facts)

    async def confirmed(event: OrderConfirmed) -> None:
        await tell(event, Kind.ORDER_CONFIRMED)

    async def paid(event: OrderPaid) -> None:
        await tell(event, Kind.ORDER_PAID)

    async def cancelled(event: OrderCancelled) -> None:
        await tell(event, Kind.ORDER_CANCELLED, event.message)

    async def shipped(event: OrderShipped) -> None:
        await tell(event, Kind.ORDER_SHIPPED)

    subscriptions.on(OrderConfirmed, confirmed)
    subscriptions.on(OrderPaid, paid)
    subscriptions.on(OrderCancelled, cancelled)
    subscriptions.on(OrderShipped, shipped)

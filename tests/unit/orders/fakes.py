"""Fakes of the ports of orders that keep a record of what they were asked."""

from datetime import datetime

from apps.orders.domain import Order
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.carts import CartLine
from apps.shared.contracts.catalog import Offer
from apps.shared.contracts.checkout import WorkflowStatus, cancellation_id
from apps.shared.contracts.orders import OrderEvent


class FakeCarts:
    def __init__(self, *lines: tuple[str, int]) -> None:
        self.lines = [CartLine(product_id=product_id, quantity=quantity) for product_id, quantity in lines]
        self.taken: dict[str, tuple[CartLine, ...]] = {}
        self.returned: set[str] = set()

    async def take(self, _: str, order_id: str) -> tuple[CartLine, ...]:
        if order_id not in self.taken and order_id not in self.returned and self.lines:
            self.taken[order_id], self.lines = tuple(self.lines), []
        return self.taken.get(order_id, ())

    async def restore(self, _: str, order_id: str) -> None:
        self.lines += self.taken.pop(order_id, ())
        self.returned.add(order_id)


class FakeCatalog:
    def __init__(self, **prices_minor: int) -> None:
        self.prices_minor = prices_minor
        self.currency = dict.fromkeys(prices_minor, "USD")

    async def quote(self, product_ids: tuple[str, ...]) -> dict[str, Offer]:
        return {
            product_id: Offer(
                product_id=product_id,
                sku=product_id.upper(),
                name=product_id.title(),
                price=Amount(amount_minor=self.prices_minor[product_id], currency=self.currency[product_id]),
                vendor_id="usr_v",
            )
            for product_id in product_ids
            if product_id in self.prices_minor
        }


class FakeCheckout:
    """Remembers what was started and ended; `broken` makes every start fail. What runs last went on at `went_on_at`."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.cancellations: list[str] = []
        self.broken = False
        self.broke_off = False
        self.ended: list[str] = []
        self.went_on_at: datetime | None = None

    async def start(self, order: Order) -> None:
        if self.broken:
            raise ConnectionError
        self.started.append(order.id)

    async def start_cancellation(self, order_id: str) -> None:
        self.cancellations.append(order_id)

    async def status(self, instance_id: str) -> WorkflowStatus:
        exists = instance_id in (*self.started, *map(cancellation_id, self.cancellations))
        running = exists and not self.broke_off
        return WorkflowStatus(exists=exists, running=running, went_on_at=self.went_on_at if exists else None)

    async def end(self, instance_id: str) -> None:
        self.ended.append(instance_id)

    async def statuses(self, instance_ids: tuple[str, ...]) -> dict[str, WorkflowStatus]:
        return {instance_id: await self.status(instance_id) for instance_id in instance_ids}


class FakeEvents:
    def __init__(self) -> None:
        self.published: list[OrderEvent] = []
        self.broken = False

    async def publish(self, event: OrderEvent) -> None:
        if self.broken:
            raise ConnectionError
        self.published.append(event)

    @property
    def ids(self) -> list[str]:
        return [event.event_id for event in self.published]


class FakeNotices:
    """Customers have heard of what was published, but for the events whose ids are `lost`."""

    def __init__(self, events: FakeEvents) -> None:
        self.lost: set[str] = set()
        self._events = events

    async def told(self, event_ids: tuple[str, ...]) -> frozenset[str]:
        return frozenset(event_ids) & set(self._events.ids) - self.lost

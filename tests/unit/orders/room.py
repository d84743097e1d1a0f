"""Orders with everything around it."""

from datetime import timedelta

from apps.orders.domain import Order, PaymentChoice
from apps.orders.service import OrderService
from apps.orders.store import DaprOrderStore
from apps.orders.sweep import OrderSweep
from tests.unit.fakes import CountingIds, FixedClock, MemorySidecar, memory_state
from tests.unit.orders.fakes import FakeCarts, FakeCatalog, FakeCheckout, FakeEvents, FakeNotices
from tests.unit.orders.test_domain import ADDRESS

BODY = b'{"payment": "sandbox"}'
GRACE = timedelta(minutes=5)


class Room:
    """An OrderService with everything around it."""

    def __init__(self) -> None:
        self.sidecar = MemorySidecar()
        self.carts = FakeCarts(("pen", 2), ("ink", 1))
        self.catalog = FakeCatalog(pen=150, ink=700)
        self.checkout, self.events, self.clock = FakeCheckout(), FakeEvents(), FixedClock()
        self.notices = FakeNotices(self.events)
        store = DaprOrderStore(memory_state(self.sidecar))
        self.service = OrderService(
            store=store,
            carts=self.carts,
            catalog=self.catalog,
            checkout=self.checkout,
            events=self.events,
            clock=self.clock,
            ids=CountingIds(),
        )
        self.sweep = OrderSweep(
            store=store,
            carts=self.carts,
            checkout=self.checkout,
            notices=self.notices,
            events=self.events,
            clock=self.clock,
        )

    async def place(self, key: str = "k1", body: bytes = BODY, user_id: str = "usr_1") -> Order:
        payment = PaymentChoice("sandbox", "tok_visa")
        return await self.service.place(user_id=user_id, key=key, body=body, payment=payment, shipping_address=ADDRESS)

    async def paid(self) -> Order:
        order = await self.place()
        await self.service.confirm(order.id)
        await self.service.mark_paid(order.id)
        return await self.service.get(order.id)

    async def sweep_later(self) -> None:
        self.clock.pass_time(minutes=10)
        await self.sweep.run(GRACE)


async def fail(*_: object) -> None:
    raise ConnectionError


async def crash(*_: object) -> None:
    raise KeyboardInterrupt

"""Payments with everything around it."""

from apps.payments.domain import Payment
from apps.payments.sandbox import Account, SandboxFraudCheck, SandboxProvider
from apps.payments.service import PaymentService
from apps.payments.store import DaprPaymentStore
from apps.shared.contracts.orders import PaymentInstrument
from apps.shared.contracts.payments import PaymentEvent
from tests.unit.fakes import CountingIds, FixedClock, MemorySidecar, memory_state


class FakeOrders:
    def __init__(self, token: str, provider: str = "sandbox") -> None:
        self.instrument = PaymentInstrument(user_id="usr_1", provider=provider, token=token)

    async def payment_instrument(self, _: str) -> PaymentInstrument:
        return self.instrument


class FakeEvents:
    def __init__(self) -> None:
        self.ids: list[str] = []

    async def publish(self, event: PaymentEvent) -> None:
        self.ids.append(event.event_id)


class Room:
    """A PaymentService with the sandbox provider; `crash_on_save` kills the next save."""

    def __init__(self, token: str = "tok_visa", provider: str = "sandbox") -> None:
        self.state = memory_state(MemorySidecar())
        self.store = DaprPaymentStore(self.state)
        self.slept: list[float] = []
        self.sandbox = SandboxProvider(self.state, late_seconds=3, sleep=self._sleep)
        self.events = FakeEvents()
        self.service = PaymentService(
            store=self.store,
            providers={"sandbox": self.sandbox},
            fraud=SandboxFraudCheck(),
            orders=FakeOrders(token, provider),
            events=self.events,
            clock=FixedClock(),
            ids=CountingIds(),
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def payment(self) -> Payment:
        payment = await self.store.find("ord_1")
        assert payment is not None
        return payment

    async def account(self) -> Account | None:
        return await self.state.find("sandbox/ord_1", Account)

    def crash_on_save(self) -> None:
        save = self.store.save

        async def crash(*_: object, **__: object) -> Payment:
            self.store.save = save  # type: ignore[method-assign]
            raise KeyboardInterrupt

        self.store.save = crash  # type: ignore[method-assign]

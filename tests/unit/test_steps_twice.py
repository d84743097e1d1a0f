"""A saga step that dies at any call to its sidecar and runs again, or runs twice at once in two replicas, has the effect of one run.

What happens between runs of the same service in other ways is tried in each service's own tests.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import BaseModel

from apps.inventory.service import InventoryService
from apps.inventory.steps import offer_steps as offer_steps_of_inventory
from apps.inventory.store import DaprInventoryStore
from apps.orders.domain import PaymentChoice
from apps.orders.service import OrderService
from apps.orders.steps import offer_steps as offer_steps_of_orders
from apps.orders.store import DaprOrderStore
from apps.payments.sandbox import SandboxFraudCheck, SandboxProvider
from apps.payments.service import PaymentService
from apps.payments.steps import offer_steps as offer_steps_of_payments
from apps.payments.store import DaprPaymentStore
from apps.shared.contracts.step import StepOutcome
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.state import StateStore
from tests.unit.fakes import CountingIds, FixedClock, MemorySidecar
from tests.unit.inventory.fakes import FakeCatalog as FakeOwners
from tests.unit.inventory.fakes import FakeOrders
from tests.unit.orders.fakes import FakeCarts, FakeCatalog, FakeCheckout
from tests.unit.orders.test_domain import ADDRESS

RESERVE, RELEASE = "inventory.reserve_stock", "inventory.release_stock"
AUTHORIZE, CAPTURE = "payments.authorize_payment", "payments.capture_payment"
VOID, REFUND = "payments.void_authorization", "payments.refund_payment"
CONFIRM, MARK_PAID, CANCEL = "orders.confirm_order", "orders.mark_paid", "orders.cancel_order"

PATHS = {
    "paid": ("tok_visa", [RESERVE, AUTHORIZE, CONFIRM, CAPTURE, MARK_PAID]),
    "paid and cancelled": ("tok_visa", [RESERVE, AUTHORIZE, CONFIRM, CAPTURE, MARK_PAID, REFUND, RELEASE, CANCEL]),
    "declined": ("tok_chargeDeclined", [RESERVE, AUTHORIZE, RELEASE, CANCEL]),
    "not captured": ("tok_captureFails", [RESERVE, AUTHORIZE, CONFIRM, CAPTURE, VOID, RELEASE, CANCEL]),
    "authorized, then refunded": ("tok_visa", [RESERVE, AUTHORIZE, REFUND]),
    "undone before it is done": ("tok_visa", [VOID, RELEASE, CANCEL, RESERVE, AUTHORIZE, CONFIRM]),
    "sold out": ("tok_visa", ["all sold", RESERVE, CANCEL]),
    "cancelled by the customer": ("tok_visa", ["cancelled", RESERVE, AUTHORIZE, CONFIRM]),
}
"""The token of an order, and what happens to it: each step is tried after those before it."""

CASES = {
    (token, *steps[:end], step): (token, steps[:end], step)
    for token, steps in PATHS.values()
    for end, step in enumerate(steps)
    if "." in step
}
COMMAND = {
    "order_id": "ord_1",
    "lines": [{"sku": "PEN", "quantity": 2}, {"sku": "INK", "quantity": 1}],
    "amount": {"amount_minor": 1000, "currency": "USD"},
    "code": "internal_error",
    "message": "Tried twice.",
}
INTERLEAVINGS = 25


class Crash(BaseException):
    """The process dies: nobody catches this."""


class Sidecar(MemorySidecar):
    """Takes events too, and dies at call number `crash_at`: before it has an effect or `after`. `chance` holds calls up."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, list[Any]] = {}
        self.number, self.crash_at, self.after = 0, 0, False
        self.chance: random.Random | None = None

    async def call(self, method: str, path: str, *, json: Any = None, params: Any = None, **_: Any) -> Any:
        self.number += 1
        dies = self.number == self.crash_at
        if dies and not self.after:
            raise Crash
        await self._pause()
        if path.startswith("/v1.0/publish/"):
            self._take(params["metadata.cloudevent.id"], json)
            answer = None
        else:
            answer = await super().call(method, path, json=json)
        await self._pause()
        if dies:
            raise Crash
        return answer

    def _take(self, event_id: str, said: Any) -> None:
        order_id, what = event_id.split(":")
        stored = [self.documents.get(f"{kind}/{order_id}", ("", ""))[0] for kind in ("order", "payment")]
        assert any(f'"{what}"' in document for document in stored), f"{event_id} is told before it is stored"
        self.events.setdefault(event_id, []).append(said)

    async def _pause(self) -> None:
        for _ in range(self.chance.randrange(4) if self.chance else 0):
            await asyncio.sleep(0)


class Replica:
    """The three services over one sidecar; a worker to which they offer their steps."""

    def __init__(self, sidecar: Sidecar, clock: FixedClock) -> None:
        self._steps: dict[str, tuple[type[BaseModel], Callable[[Any], Awaitable[StepOutcome]]]] = {}
        state, events, ids = StateStore(sidecar, "statestore"), Publisher(sidecar), CountingIds()  # type: ignore[arg-type]
        self.orders = OrderService(
            store=DaprOrderStore(state),
            carts=FakeCarts(("pen", 2), ("ink", 1)),
            catalog=FakeCatalog(pen=150, ink=700),
            checkout=FakeCheckout(),
            events=events,
            clock=clock,
            ids=ids,
        )
        self.inventory = InventoryService(
            store=DaprInventoryStore(state), orders=FakeOrders(), catalog=FakeOwners(), clock=clock, ids=ids
        )
        payments = PaymentService(
            store=DaprPaymentStore(state),
            providers={"sandbox": SandboxProvider(state, late_seconds=0)},
            fraud=SandboxFraudCheck(),
            orders=self.orders,
            events=events,
            clock=clock,
            ids=ids,
        )
        offer_steps_of_orders(self, self.orders)  # type: ignore[arg-type]
        offer_steps_of_inventory(self, self.inventory)  # type: ignore[arg-type]
        offer_steps_of_payments(self, payments)  # type: ignore[arg-type]

    def offer(self, name: str, kind: type[BaseModel], step: Callable[[Any], Awaitable[StepOutcome]]) -> None:
        self._steps[name] = kind, step

    async def run(self, name: str) -> StepOutcome:
        kind, step = self._steps[name]
        return await step(kind.model_validate(COMMAND))


class World:
    """An order with its goods, two replicas of every service, and everything that they store and say."""

    def __init__(self, earlier: "World | None" = None) -> None:
        self.sidecar, self.clock = Sidecar(), FixedClock()
        if earlier:
            self.sidecar.documents = dict(earlier.sidecar.documents)
            self.sidecar.events = {event_id: list(said) for event_id, said in earlier.sidecar.events.items()}
        self.one, self.other = Replica(self.sidecar, self.clock), Replica(self.sidecar, self.clock)

    @classmethod
    async def after(cls, token: str, happened: list[str]) -> "World":
        world = cls()
        payment = PaymentChoice("sandbox", token)
        await world.one.orders.place(user_id="usr_1", key="k", body=b"", payment=payment, shipping_address=ADDRESS)
        for sku, quantity in (("PEN", 5), ("INK", 0 if "all sold" in happened else 5)):
            await world.one.inventory.receive(sku=sku, warehouse="east", quantity=quantity)
        if "cancelled" in happened:
            await world.one.orders.request_cancellation("ord_1")
        for step in happened:
            if "." in step:
                await world.one.run(step)
        return world

    def traces(self) -> tuple[dict[str, str], set[str]]:
        """All documents, whenever they were written, and the ids of all events; each event says the same every time."""
        for event_id, said in self.sidecar.events.items():
            assert all(one == said[0] for one in said), f"{event_id} says {said}"
        written = {
            key: re.sub(r"12:00:\d\d[^\"]*Z|pay_\d+", "…", str(row)) for key, (row, _) in self.sidecar.documents.items()
        }
        return written, set(self.sidecar.events)


every_step = pytest.mark.parametrize(
    ("token", "happened", "step"), CASES.values(), ids=[" > ".join(case) for case in CASES]
)


@every_step
async def test_a_step_that_dies_at_any_call_is_made_whole_by_the_next_run(
    token: str, happened: list[str], step: str
) -> None:
    before = await World.after(token, happened)
    world = World(before)
    outcome, expected, calls = await world.one.run(step), world.traces(), world.sidecar.number
    assert calls > 0
    for crash_at in range(1, calls + 1):
        for after in (False, True):
            world = World(before)
            world.sidecar.crash_at, world.sidecar.after = crash_at, after
            with pytest.raises(Crash):
                await world.one.run(step)
            world.clock.pass_time(seconds=1)
            point = f"died {'after' if after else 'before'} call {crash_at} of {calls}"
            assert (point, await world.other.run(step)) == (point, outcome)
            assert (point, *world.traces()) == (point, *expected)


@every_step
async def test_a_step_that_runs_twice_at_once_is_done_once(token: str, happened: list[str], step: str) -> None:
    before = await World.after(token, happened)
    world = World(before)
    outcome, expected = await world.one.run(step), world.traces()
    for seed in range(INTERLEAVINGS):
        world = World(before)
        world.sidecar.chance = random.Random(seed)
        outcomes = await asyncio.gather(world.one.run(step), world.other.run(step))
        assert (seed, *outcomes) == (seed, outcome, outcome)
        assert (seed, *world.traces()) == (seed, *expected)

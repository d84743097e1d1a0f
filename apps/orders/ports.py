"""What the order use cases need from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from apps.orders.domain import Order
from apps.shared.contracts.carts import CartLine
from apps.shared.contracts.catalog import Offer
from apps.shared.contracts.checkout import WorkflowStatus
from apps.shared.contracts.orders import OrderEvent

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request under an idempotency key: the order id it was given, when, and the hash of its body.

    One that is `given_up` makes no order any more, but may have the cart still.
    """

    order_id: str
    body_hash: str
    started_at: datetime
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Reminder:
    """An order that the sweep must look at. The order itself may not exist: its request may have died before saving it."""

    order_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class AuditedOrder:
    """An order that was begun, and the workflows under its id; `order` is None when its request ended before saving it."""

    order_id: str
    order: Order | None
    workflow: WorkflowStatus
    cancellation: WorkflowStatus


class OrderStore(Protocol):
    """Orders, the idempotency keys that made them, and the lists that find them again."""

    async def begin(self, user_id: str, key: str, attempt: Attempt, *, resume_before: datetime) -> tuple[Attempt, bool]:
        """Note `attempt` under the user's key unless there is one; which one holds, and whether the caller is to carry it on.

        The caller carries on a new attempt, or one of the same body that began before `resume_before` (its clock then starts anew);
        never one that was given up.
        """

    async def give_up(self, user_id: str, key: str, attempt: Attempt) -> Attempt | None:
        """Have nobody carry on an attempt that ended without an order; as it is then, None when another holds the key by now."""

    async def forget(self, user_id: str, key: str, attempt: Attempt) -> None:
        """Free the key of an attempt that was given up, if it holds it still."""

    async def add(self, order: Order) -> Order:
        """Save a new order; the stored one when the id exists already."""

    async def find(self, order_id: str) -> Order | None: ...

    async def find_many(self, order_ids: list[str]) -> list[Order]:
        """Those that exist, in the order asked for."""

    async def update(self, order_id: str, decide: Callable[[Order], tuple[Order, R]]) -> tuple[Order, R]:
        """Save what the pure `decide` makes of the order. Raises OrderNotFound, and what `decide` raises."""

    async def remind(self, reminder: Reminder, at: datetime) -> None:
        """Have the sweep look at the order again some time after `at`."""

    async def list_ids(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[str], int | None]:
        """The user's order ids, newest first, and where to go on."""

    async def list_begun(self, *, after: tuple[int, int], limit: int) -> tuple[list[Reminder], tuple[int, int] | None]:
        """Reminders of all orders that were ever begun, oldest hour first, repeats included, and where to go on. Begin at (0, 0)."""

    async def sweep(self, until: datetime, look: Callable[[Reminder], Awaitable[None]]) -> None:
        """Call `look` for each reminder older than `until` that no sweep has finished; what `look` raises ends the sweep."""


class Carts(Protocol):
    async def take(self, user_id: str, order_id: str) -> tuple[CartLine, ...]:
        """Take the cart's lines for the order; the same lines when asked again."""

    async def restore(self, user_id: str, order_id: str) -> None:
        """Put back what the order took."""


class Catalog(Protocol):
    async def quote(self, product_ids: tuple[str, ...]) -> dict[str, Offer]:
        """Current offers by product id; what is not for sale is missing."""


class Checkout(Protocol):
    async def start(self, order: Order) -> None:
        """Have the saga run. Harmless when it runs or ran already."""

    async def start_cancellation(self, order_id: str) -> None:
        """Have a paid order undone. Harmless when that runs or ran already."""

    async def status(self, instance_id: str) -> WorkflowStatus: ...

    async def end(self, instance_id: str) -> None:
        """Have the workflow go no further, so that it can be started again. Returns when that is so."""

    async def statuses(self, instance_ids: tuple[str, ...]) -> dict[str, WorkflowStatus]:
        """By instance id."""


class Events(Protocol):
    async def publish(self, event: OrderEvent) -> None: ...


class Notices(Protocol):
    async def told(self, event_ids: tuple[str, ...]) -> frozenset[str]:
        """Those of the events that need not be told again: the customer was, or an operator sees that it failed."""


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...

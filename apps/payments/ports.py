"""What the payment use cases need from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from apps.payments.domain import Payment
from apps.shared.contracts.orders import PaymentInstrument
from apps.shared.contracts.payments import PaymentEvent
from apps.shared.money import Money


@dataclass(frozen=True, slots=True)
class Done:
    """The provider did it; `reference` is the provider's name for it."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider would not; asking again will not help."""

    reason: str


class Standing(StrEnum):
    """Where an order's money is, as the provider knows it."""

    NOTHING = "nothing"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"


@dataclass(frozen=True, slots=True)
class Books:
    """What the provider's own ledger says about an order: all that was ever captured and refunded, and where the money is now."""

    standing: Standing
    captured: Money
    refunded: Money


class Provider(Protocol):
    """A payment provider. Payments are named by our order id.

    Every operation is idempotent: the same order and operation move money once, and answer the same again. Refusals are results;
    whatever is raised is a fault of unknown outcome, to be tried again.
    """

    async def authorize(self, order_id: str, *, token: str, amount: Money) -> Done | Declined:
        """Hold `amount`."""

    async def capture(self, order_id: str) -> Done | Declined:
        """Take what is held."""

    async def void(self, order_id: str) -> Done:
        """Let go of what is held."""

    async def refund(self, order_id: str) -> Done:
        """Give back what was taken."""

    async def standing(self, order_id: str) -> Standing:
        """What the provider has now; the answer to a call whose outcome is unknown."""

    async def find_books(self, order_id: str) -> Books | None:
        """The provider's own record of the order's money; None when it has never heard of the order."""


class FraudCheck(Protocol):
    async def suspects(self, instrument: PaymentInstrument, amount: Money) -> bool: ...


@dataclass(frozen=True, slots=True)
class AuditedPayment:
    """An order's money as we and as the provider have it written down; None where there is nothing written."""

    order_id: str
    payment: Payment | None
    books: Books | None


class PaymentStore(Protocol):
    async def find(self, order_id: str) -> Payment | None: ...

    async def find_many(self, order_ids: list[str]) -> list[Payment]:
        """Those that exist."""

    async def list_ids(self, *, after: tuple[int, int], limit: int) -> tuple[list[str], tuple[int, int] | None]:
        """Order ids of all payments, oldest hour first, and where to go on. Begin at (0, 0)."""

    async def save(self, order_id: str, decide: Callable[[Payment | None], Payment], *, at: datetime) -> Payment:
        """Save what the pure `decide` makes of the order's payment; a new one is noted in the ledger's journal under `at`."""


class Orders(Protocol):
    async def payment_instrument(self, order_id: str) -> PaymentInstrument: ...


class Events(Protocol):
    async def publish(self, event: PaymentEvent) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...

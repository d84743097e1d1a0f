"""The default payment provider: needs no account, moves no real money, and keeps books of its own as a real one would.

Its tokens and what they do stand in docs/openapi and the README; any other token is declined.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from apps.payments.ports import Books, Declined, Done, Standing
from apps.shared.contracts.orders import PaymentInstrument
from apps.shared.money import Money
from apps.shared.platform.state import StateStore, Transaction

VISA, DECLINED, INSUFFICIENT, FRAUD = "tok_visa", "tok_chargeDeclined", "tok_insufficientFunds", "tok_fraud"
CAPTURE_FAILS, TIMEOUT = "tok_captureFails", "tok_timeout"

_REASONS = {
    DECLINED: "The card was declined.",
    INSUFFICIENT: "The card has insufficient funds.",
}
_ACCEPTED = frozenset({VISA, FRAUD, CAPTURE_FAILS, TIMEOUT})


class ProviderTimeout(Exception):
    """The sandbox has done what it was asked, and did not say so in time."""


@dataclass(frozen=True, slots=True)
class Account:
    """The sandbox's own record of one order's money. `tok_captureFails` sets `refuses_capture`."""

    amount: Money
    standing: Standing
    captured_minor: int = 0
    refunded_minor: int = 0
    refuses_capture: bool = False


class SandboxProvider:
    """See `ports.Provider`."""

    def __init__(
        self, state: StateStore, *, late_seconds: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._state, self._late_seconds, self._sleep = state, late_seconds, sleep

    async def authorize(self, order_id: str, *, token: str, amount: Money) -> Done | Declined:
        """Raises ProviderTimeout the first time for `tok_timeout`, although the money is held by then."""
        if token not in _ACCEPTED:
            return Declined(_REASONS.get(token, "The payment token is not known."))

        def decide(transaction: Transaction) -> bool:
            if transaction.find(_key(order_id), Account) is not None:
                return False
            account = Account(amount, Standing.AUTHORIZED, refuses_capture=token == CAPTURE_FAILS)
            transaction.put(_key(order_id), account)
            return True

        first = await self._state.transact([_key(order_id)], decide)
        if first and token == TIMEOUT:
            await self._sleep(self._late_seconds)
            raise ProviderTimeout(order_id)
        return Done(f"sandbox-authorization-{order_id}")

    async def capture(self, order_id: str) -> Done | Declined:
        def change(account: Account) -> Account:
            if account.standing is not Standing.AUTHORIZED or account.refuses_capture:
                return account
            return replace(account, standing=Standing.CAPTURED, captured_minor=account.amount.amount_minor)

        account = await self._change(order_id, change)
        if account is None or account.standing is not Standing.CAPTURED:
            return Declined("The provider could not capture the authorized amount.")
        return Done(f"sandbox-capture-{order_id}")

    async def void(self, order_id: str) -> Done:
        def change(account: Account) -> Account:
            return replace(account, standing=Standing.NOTHING) if account.standing is Standing.AUTHORIZED else account

        await self._change(order_id, change)
        return Done(f"sandbox-void-{order_id}")

    async def refund(self, order_id: str) -> Done:
        def change(account: Account) -> Account:
            if account.standing is not Standing.CAPTURED:
                return account
            return replace(account, standing=Standing.NOTHING, refunded_minor=account.captured_minor)

        await self._change(order_id, change)
        return Done(f"sandbox-refund-{order_id}")

    async def standing(self, order_id: str) -> Standing:
        account = await self._state.find(_key(order_id), Account)
        return account.standing if account else Standing.NOTHING

    async def find_books(self, order_id: str) -> Books | None:
        account = await self._state.find(_key(order_id), Account)
        if account is None:
            return None
        captured, refunded = (
            Money(minor, account.amount.currency) for minor in (account.captured_minor, account.refunded_minor)
        )
        return Books(account.standing, captured, refunded)

    async def _change(self, order_id: str, change: Callable[[Account], Account]) -> Account | None:
        def decide(transaction: Transaction) -> Account | None:
            account = transaction.find(_key(order_id), Account)
            changed = change(account) if account else None
            if changed is not None and changed != account:
                transaction.put(_key(order_id), changed)
            return changed

        return await self._state.transact([_key(order_id)], decide)


class SandboxFraudCheck:
    """Suspects the one token that is there to be suspected."""

    async def suspects(self, instrument: PaymentInstrument, _: Money) -> bool:
        return instrument.token == FRAUD


def _key(order_id: str) -> str:
    return f"sandbox/{order_id}"

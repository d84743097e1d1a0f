"""The saga's steps that move money, each safe to run again at any point: what the provider did is found out, never assumed."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from apps.payments import domain
from apps.payments.domain import MovementKind, Payment, PaymentStatus, PaymentUnknown, Refusal
from apps.payments.ports import (
    AuditedPayment,
    Clock,
    Declined,
    Events,
    FraudCheck,
    Ids,
    Orders,
    PaymentStore,
    Provider,
    Standing,
)
from apps.shared.contracts import payments as contract
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.orders import FailureCode
from apps.shared.contracts.step import StepOutcome
from apps.shared.money import Money

log = logging.getLogger(__name__)


MOST_LOOKS = 4
"""More than an authorization that turns into a capture meanwhile needs; a provider that holds on after that is at fault."""


@dataclass(frozen=True, slots=True)
class _GivenBack:
    """The provider's names for what it let go of and gave back; None for what there was no need of."""

    void: str | None = None
    refund: str | None = None


class PaymentService:
    """Asks the provider first, then saves. A crash between the two is healed by the repeat, since the provider is idempotent."""

    def __init__(
        self,
        *,
        store: PaymentStore,
        providers: Mapping[str, Provider],
        fraud: FraudCheck,
        orders: Orders,
        events: Events,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store, self._providers, self._fraud = store, providers, fraud
        self._orders, self._events, self._clock, self._ids = orders, events, clock, ids

    async def authorize(self, order_id: str, amount: Money) -> StepOutcome:
        """Saga step, see `contracts.payments.AuthorizePayment`. Raises AmountDiffers."""
        payment = await self._store.find(order_id)
        if payment is None:
            payment = await self._authorize(order_id, amount)
        payment = await self._let_go_if_over(payment)
        if payment.refusal is not None:
            return StepOutcome(refusal=payment.refusal.code, message=payment.refusal.message)
        if payment.status not in (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED):
            return StepOutcome(refusal=FailureCode.INTERNAL_ERROR, message="The payment was given back already.")
        if payment.amount != amount:
            raise domain.AmountDiffers(order_id, payment.amount, amount)
        return StepOutcome()

    async def capture(self, order_id: str) -> StepOutcome:
        """Saga step, see `contracts.payments.CapturePayment`. Raises PaymentUnknown."""
        payment = await self._store.find(order_id)
        if payment is None or payment.refusal is not None:
            raise PaymentUnknown(order_id)
        if payment.status is PaymentStatus.AUTHORIZED and payment.capture_refusal is None:
            payment = await self._capture(payment)
        if payment.capture_refusal is not None:
            return StepOutcome(refusal=payment.capture_refusal.code, message=payment.capture_refusal.message)
        if payment.status is not PaymentStatus.CAPTURED:
            await self._let_go_if_over(payment)
            return StepOutcome(refusal=FailureCode.CAPTURE_FAILED, message="The payment was given back already.")
        await self._publish(contract.PaymentCaptured, payment, MovementKind.CAPTURE)
        return StepOutcome()

    async def give_back(self, order_id: str) -> StepOutcome:
        """Saga steps `void_authorization` and `refund_payment`: whatever the provider holds or took is let go of or given back.

        An order without a payment gets a tombstone, so that an authorization still under way is let go of when it arrives.
        """
        payment = await self._store.find(order_id)
        provider_name = payment.provider if payment else (await self._orders.payment_instrument(order_id)).provider
        given_back = await self._let_go(order_id, provider_name)
        if payment and payment.status is PaymentStatus.AUTHORIZED and given_back == _GivenBack():
            # It was let go of already, by a process that died before it wrote that down: the provider says its name again.
            given_back = _GivenBack(void=(await self._providers[provider_name].void(order_id)).reference)
        now = self._clock.now()

        def decide(earlier: Payment | None) -> Payment:
            if earlier is None:
                return domain.never_authorized(self._ids.new("pay"), order_id, provider=provider_name, currency="XXX")
            if earlier.status not in (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED):
                return earlier
            if earlier.status is PaymentStatus.AUTHORIZED and given_back.refund is None:
                return domain.voided(earlier, reference=given_back.void or "", at=now)
            taken = earlier
            if earlier.status is PaymentStatus.AUTHORIZED:
                taken = domain.captured(earlier, reference=given_back.refund or "", at=now)
            return domain.refunded(taken, reference=given_back.refund or "", at=now)

        payment = await self._let_go_if_over(await self._store.save(order_id, decide, at=now))
        if payment.status is PaymentStatus.REFUNDED:
            await self._publish(contract.PaymentRefunded, payment, MovementKind.REFUND)
        return StepOutcome()

    async def _let_go(self, order_id: str, provider_name: str) -> "_GivenBack":
        """Have the provider hold nothing of the order, whatever it held or took, also what it takes meanwhile. Raises MoneyStillHeld."""
        provider = self._providers.get(provider_name)
        done = _GivenBack()
        looks = 0
        while provider and (standing := await provider.standing(order_id)) is not Standing.NOTHING:
            looks += 1
            if looks > MOST_LOOKS:
                raise domain.MoneyStillHeld(order_id, standing)
            if standing is Standing.CAPTURED:
                done = replace(done, refund=(await provider.refund(order_id)).reference)
            else:
                done = replace(done, void=(await provider.void(order_id)).reference)
        if provider and done.refund is None:
            books = await provider.find_books(order_id)
            if books and books.captured.amount_minor:
                # It was refunded already, perhaps by a process that died before it wrote that down.
                done = replace(done, refund=(await provider.refund(order_id)).reference)
        return done

    async def _let_go_if_over(self, payment: Payment) -> Payment:
        """A payment that is over holds no money: an authorization or capture that came late is undone by whoever sees it.

        A capture that was refunded so is written down as well: our ledger is the provider's.
        """
        if payment.status not in (PaymentStatus.VOIDED, PaymentStatus.REFUNDED):
            return payment
        refund = (await self._let_go(payment.order_id, payment.provider)).refund
        if refund is None or payment.was_captured:
            return payment
        now = self._clock.now()

        def decide(earlier: Payment | None) -> Payment:
            found = earlier or payment
            if found.was_captured:
                return found
            return domain.refunded(domain.captured(found, reference=refund, at=now), reference=refund, at=now)

        return await self._store.save(payment.order_id, decide, at=now)

    async def audit_page(
        self, *, after: tuple[int, int], limit: int
    ) -> tuple[list[AuditedPayment], tuple[int, int] | None]:
        """All payments beside the providers' books, oldest hour first, and where to go on; one may come again."""
        order_ids, rest = await self._store.list_ids(after=after, limit=limit)
        return await self.audit(order_ids), rest

    async def audit(self, order_ids: list[str]) -> list[AuditedPayment]:
        """The money of these orders, whether or not they have a payment here: the providers are asked in any case."""
        payments = {payment.order_id: payment for payment in await self._store.find_many(order_ids)}

        async def audited(order_id: str) -> AuditedPayment:
            books = await asyncio.gather(*(provider.find_books(order_id) for provider in self._providers.values()))
            known = [one for one in books if one is not None]
            return AuditedPayment(order_id, payments.get(order_id), known[0] if known else None)

        return await asyncio.gather(*map(audited, dict.fromkeys(order_ids)))

    async def _authorize(self, order_id: str, amount: Money) -> Payment:
        instrument = await self._orders.payment_instrument(order_id)
        provider = self._providers.get(instrument.provider)
        now = self._clock.now()
        fresh = self._ids.new("pay")
        if provider is None:
            refusal = Refusal(
                FailureCode.PAYMENT_DECLINED, f"There is no payment provider called {instrument.provider}."
            )
        elif await self._fraud.suspects(instrument, amount):
            refusal = Refusal(FailureCode.FRAUD_SUSPECTED, "The payment was refused by the fraud check.")
        else:
            answer = await provider.authorize(order_id, token=instrument.token, amount=amount)
            if not isinstance(answer, Declined):
                made = domain.authorized(
                    fresh, order_id, provider=instrument.provider, amount=amount, reference=answer.reference, at=now
                )
                return await self._store.save(order_id, lambda earlier: earlier or made, at=now)
            refusal = Refusal(FailureCode.PAYMENT_DECLINED, answer.reason)
        made = domain.refused(fresh, order_id, provider=instrument.provider, amount=amount, refusal=refusal)
        return await self._store.save(order_id, lambda earlier: earlier or made, at=now)

    async def _capture(self, payment: Payment) -> Payment:
        answer = await self._providers[payment.provider].capture(payment.order_id)
        now = self._clock.now()

        def decide(earlier: Payment | None) -> Payment:
            if earlier is None or earlier.status is not PaymentStatus.AUTHORIZED:
                return earlier or payment
            if isinstance(answer, Declined):
                return domain.capture_refused(earlier, Refusal(FailureCode.CAPTURE_FAILED, answer.reason))
            return domain.captured(earlier, reference=answer.reference, at=now)

        return await self._store.save(payment.order_id, decide, at=now)

    async def _publish(self, kind: type[contract.PaymentEvent], payment: Payment, movement: MovementKind) -> None:
        line = next(line for line in payment.movements if line.kind is movement)
        event = kind(
            event_id=f"{payment.order_id}:{movement}",
            occurred_at=line.at,
            order_id=payment.order_id,
            payment_id=payment.id,
            amount=Amount.of(line.amount),
        )
        await self._events.publish(event)

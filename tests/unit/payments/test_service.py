"""Money moves once, is given back whole, and a crash between the provider and our books changes neither."""

import itertools
from collections.abc import Callable

import pytest

from apps.payments import domain
from apps.payments.domain import MovementKind, PaymentStatus
from apps.payments.ports import AuditedPayment, Books, Done, Standing
from apps.payments.sandbox import Account, ProviderTimeout
from apps.shared.contracts.orders import FailureCode
from apps.shared.contracts.step import StepOutcome
from apps.shared.money import Money
from tests.unit.fakes import NOON
from tests.unit.payments.room import Room

TEN = Money(1000, "USD")


async def test_a_payment_is_authorized_and_captured_once() -> None:
    room = Room()
    for _ in range(3):
        assert await room.service.authorize("ord_1", TEN) == StepOutcome()
    for _ in range(3):
        assert await room.service.capture("ord_1") == StepOutcome()
    payment = await room.payment()
    assert [line.kind for line in payment.movements] == [MovementKind.AUTHORIZATION, MovementKind.CAPTURE]
    assert payment.held == TEN
    assert await room.account() == Account(TEN, Standing.CAPTURED, captured_minor=1000)
    assert set(room.events.ids) == {"ord_1:capture"}


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_chargeDeclined", FailureCode.PAYMENT_DECLINED),
        ("tok_insufficientFunds", FailureCode.PAYMENT_DECLINED),
        ("tok_nobodyKnows", FailureCode.PAYMENT_DECLINED),
        ("tok_fraud", FailureCode.FRAUD_SUSPECTED),
    ],
)
async def test_refusals_touch_no_money_and_stay_refused(token: str, code: FailureCode) -> None:
    room = Room(token)
    outcomes = [await room.service.authorize("ord_1", TEN) for _ in range(2)]
    assert [outcome.refusal for outcome in outcomes] == [code, code]
    assert await room.account() is None
    assert (await room.payment()).movements == ()
    with pytest.raises(domain.PaymentUnknown):
        await room.service.capture("ord_1")


async def test_an_unknown_provider_is_a_refusal() -> None:
    outcome = await Room(provider="nobody").service.authorize("ord_1", TEN)
    assert outcome.refusal == FailureCode.PAYMENT_DECLINED


async def test_a_failed_capture_is_refused_for_good_and_then_voided() -> None:
    room = Room("tok_captureFails")
    await room.service.authorize("ord_1", TEN)
    for _ in range(2):
        assert (await room.service.capture("ord_1")).refusal == FailureCode.CAPTURE_FAILED
    await room.service.give_back("ord_1")
    payment = await room.payment()
    assert [line.kind for line in payment.movements] == [MovementKind.AUTHORIZATION, MovementKind.VOID]
    assert (await room.account()) == Account(TEN, Standing.NOTHING, refuses_capture=True)
    assert room.events.ids == []


async def test_a_late_answer_is_a_fault_once_and_charges_once() -> None:
    room = Room("tok_timeout")
    with pytest.raises(ProviderTimeout):
        await room.service.authorize("ord_1", TEN)
    assert await room.service.authorize("ord_1", TEN) == StepOutcome()
    assert room.slept == [3]
    assert len((await room.payment()).movements) == 1


@pytest.mark.parametrize("times", [1, 3])
async def test_a_refund_gives_back_all_once(times: int) -> None:
    room = Room()
    await room.service.authorize("ord_1", TEN)
    await room.service.capture("ord_1")
    for _ in range(times):
        assert await room.service.give_back("ord_1") == StepOutcome()
    payment = await room.payment()
    assert (payment.status, payment.held) == (PaymentStatus.REFUNDED, Money(0, "USD"))
    assert await room.account() == Account(TEN, Standing.NOTHING, captured_minor=1000, refunded_minor=1000)
    assert set(room.events.ids) == {"ord_1:capture", "ord_1:refund"}
    assert (await room.service.capture("ord_1")).refusal == FailureCode.CAPTURE_FAILED


async def test_giving_back_what_never_was_bars_it_for_good() -> None:
    room = Room()
    await room.service.give_back("ord_1")
    assert (await room.service.authorize("ord_1", TEN)).refusal == FailureCode.INTERNAL_ERROR
    assert await room.account() is None


async def test_an_authorization_that_arrives_after_the_giving_back_is_let_go_of() -> None:
    room = Room()
    authorize = room.sandbox.authorize

    async def late(*args: object, **kwargs: object) -> object:
        await room.service.give_back("ord_1")
        return await authorize(*args, **kwargs)  # type: ignore[arg-type]

    room.sandbox.authorize = late  # type: ignore[method-assign, assignment]
    assert (await room.service.authorize("ord_1", TEN)).refusal == FailureCode.INTERNAL_ERROR
    account = await room.account()
    assert account is not None
    assert account.standing is Standing.NOTHING


@pytest.mark.parametrize("repeated", [False, True])
async def test_a_capture_that_lands_while_the_money_is_given_back_is_refunded(repeated: bool) -> None:
    room = Room()
    await room.service.authorize("ord_1", TEN)
    standing = room.sandbox.standing

    async def captured_right_after(order_id: str) -> Standing:
        seen = await standing(order_id)
        room.sandbox.standing = standing  # type: ignore[method-assign]
        await room.sandbox.capture(order_id)
        return seen

    room.sandbox.standing = captured_right_after  # type: ignore[method-assign]
    await room.service.give_back("ord_1")
    if repeated:
        await room.service.give_back("ord_1")
    assert await room.account() == Account(TEN, Standing.NOTHING, captured_minor=1000, refunded_minor=1000)
    payment = await room.payment()
    assert (payment.status, payment.held.amount_minor) == (PaymentStatus.REFUNDED, 0)


async def test_a_capture_that_lands_after_the_money_was_given_back_is_refunded_by_its_own_step() -> None:
    room = Room()
    await room.service.authorize("ord_1", TEN)
    capture = room.sandbox.capture

    async def late(order_id: str) -> object:
        answer = await capture(order_id)
        room.sandbox.capture = capture  # type: ignore[method-assign]
        await room.store.save("ord_1", lambda payment: domain.voided(payment, reference="r", at=NOON), at=NOON)  # type: ignore[arg-type]
        return answer

    room.sandbox.capture = late  # type: ignore[method-assign, assignment]
    assert (await room.service.capture("ord_1")).refusal == FailureCode.CAPTURE_FAILED
    assert await room.account() == Account(TEN, Standing.NOTHING, captured_minor=1000, refunded_minor=1000)
    payment = await room.payment()
    assert [line.kind for line in payment.movements][-2:] == [MovementKind.CAPTURE, MovementKind.REFUND]


async def test_a_late_authorization_that_could_not_be_voided_is_voided_by_the_repeat() -> None:
    room = Room()
    authorize, void = room.sandbox.authorize, room.sandbox.void

    async def late(*args: object, **kwargs: object) -> object:
        await room.service.give_back("ord_1")
        return await authorize(*args, **kwargs)  # type: ignore[arg-type]

    async def broken(_: str) -> object:
        raise ConnectionError

    room.sandbox.authorize, room.sandbox.void = late, broken  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        await room.service.authorize("ord_1", TEN)
    room.sandbox.void = void  # type: ignore[method-assign]
    assert (await room.service.authorize("ord_1", TEN)).refusal == FailureCode.INTERNAL_ERROR
    account = await room.account()
    assert account is not None
    assert account.standing is Standing.NOTHING


async def test_a_capture_and_a_refund_of_which_only_the_provider_knows_are_written_down() -> None:
    room = Room()
    await room.service.authorize("ord_1", TEN)
    for step in (room.service.capture, room.service.give_back):
        room.crash_on_save()
        with pytest.raises(KeyboardInterrupt):
            await step("ord_1")
    await room.service.give_back("ord_1")
    assert await room.account() == Account(TEN, Standing.NOTHING, captured_minor=1000, refunded_minor=1000)
    payment = await room.payment()
    assert [(line.kind, line.amount) for line in payment.movements] == [
        (MovementKind.AUTHORIZATION, TEN),
        (MovementKind.CAPTURE, TEN),
        (MovementKind.REFUND, TEN),
    ]
    assert payment.status is PaymentStatus.REFUNDED
    assert set(room.events.ids) == {"ord_1:refund"}


async def test_an_audit_sees_both_books() -> None:
    room = Room()
    assert await room.service.audit_page(after=(0, 0), limit=10) == ([], None)
    await room.service.authorize("ord_1", TEN)
    await room.service.capture("ord_1")
    audited, rest = await room.service.audit_page(after=(0, 0), limit=10)
    books = Books(Standing.CAPTURED, TEN, Money(0, "USD"))
    assert (audited, rest) == ([AuditedPayment("ord_1", await room.payment(), books)], None)


async def test_an_audit_asks_the_provider_about_orders_without_a_payment_too() -> None:
    room = Room()
    room.crash_on_save()
    with pytest.raises(KeyboardInterrupt):
        await room.service.authorize("ord_1", TEN)
    assert await room.service.audit(["ord_1", "ord_2"]) == [
        AuditedPayment("ord_1", None, Books(Standing.AUTHORIZED, Money(0, "USD"), Money(0, "USD"))),
        AuditedPayment("ord_2", None, None),
    ]


async def test_a_provider_that_does_not_let_go_is_a_fault_to_be_tried_again() -> None:
    room = Room()
    await room.service.authorize("ord_1", TEN)
    void = room.sandbox.void

    async def do_nothing(_: str) -> Done:
        return Done("nothing")

    room.sandbox.void = do_nothing  # type: ignore[method-assign, assignment]
    with pytest.raises(domain.MoneyStillHeld):
        await room.service.give_back("ord_1")
    room.sandbox.void = void  # type: ignore[method-assign]
    assert await room.service.give_back("ord_1") == StepOutcome()
    assert (await room.payment()).status is PaymentStatus.VOIDED


async def test_an_amount_that_changed_is_a_fault() -> None:
    room = Room()
    await room.service.authorize("ord_1", TEN)
    with pytest.raises(domain.AmountDiffers):
        await room.service.authorize("ord_1", Money(1001, "USD"))


STEPS: list[tuple[str, Callable[[Room], object]]] = [
    ("authorize", lambda room: room.service.authorize("ord_1", TEN)),
    ("capture", lambda room: room.service.capture("ord_1")),
    ("give_back", lambda room: room.service.give_back("ord_1")),
]


@pytest.mark.parametrize("crashed", range(3))
@pytest.mark.parametrize("repeated", [True, False])
async def test_a_crash_after_the_provider_and_before_our_books(crashed: int, repeated: bool) -> None:
    """Whether the step is repeated or the saga gives up and compensates: no money stays."""
    room = Room()
    for _, step in itertools.islice(STEPS, crashed):
        await step(room)  # type: ignore[misc]
    room.crash_on_save()
    with pytest.raises(KeyboardInterrupt):
        await STEPS[crashed][1](room)  # type: ignore[misc]
    if repeated:
        await STEPS[crashed][1](room)  # type: ignore[misc]
    await room.service.give_back("ord_1")
    account = await room.account()
    assert account is not None
    assert account.standing is Standing.NOTHING
    assert account.captured_minor == account.refunded_minor
    payment = await room.payment()
    assert payment.held.amount_minor == 0
    assert payment.status in (PaymentStatus.VOIDED, PaymentStatus.REFUNDED)

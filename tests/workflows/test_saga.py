"""The saga, driven step by step: for each failure exactly these steps, in this order, with these inputs, and nothing else."""

from collections.abc import Generator
from typing import Any

import pytest

from apps.shared.contracts.checkout import StartCheckout
from apps.shared.platform.retries import StepFault
from workflows.checkout.saga import cancellation, checkout

RESERVE, AUTHORIZE, CONFIRM, CAPTURE, PAID = (
    "inventory.reserve_stock",
    "payments.authorize_payment",
    "orders.confirm_order",
    "payments.capture_payment",
    "orders.mark_paid",
)
RELEASE, VOID, REFUND, CANCEL = (
    "inventory.release_stock",
    "payments.void_authorization",
    "payments.refund_payment",
    "orders.cancel_order",
)
FORWARD = [RESERVE, AUTHORIZE, CONFIRM, CAPTURE, PAID]
START = StartCheckout.model_validate(
    {"order_id": "ord_1", "lines": [{"sku": "A", "quantity": 2}], "total": {"amount_minor": 1000, "currency": "USD"}}
).model_dump(mode="json")
DONE = {"refusal": None, "message": ""}


class Call:
    """What the saga asked for."""

    def __init__(self, activity: str, app_id: str, command: dict[str, Any], attempts: int) -> None:
        self.activity, self.app_id, self.command, self.attempts = activity, app_id, command, attempts


class RecordingContext:
    """The one method of a workflow context that the saga may use."""

    def call_activity(self, activity: str, *, input: dict[str, Any], app_id: str, retry_policy: Any) -> Call:  # noqa: A002
        return Call(activity, app_id, input, retry_policy.max_number_of_attempts)


CONTEXT: Any = RecordingContext()


class Fault:
    """The step could not be done, however often it was tried."""


def run(saga: Generator[Call, Any, dict[str, Any]], answers: dict[str, Any]) -> tuple[list[Call], dict[str, Any]]:
    """Drive `saga` with `answers` by activity (done, where there is none); what it called and returned."""
    calls: list[Call] = []
    step: Any = next(saga)
    while True:
        calls.append(step)
        answer = answers.get(step.activity, DONE)
        try:
            step = saga.throw(StepFault("fault", _details())) if answer is Fault else saga.send(answer)
        except StopIteration as end:
            return calls, end.value


def _details() -> Any:
    from dapr.ext.workflow._durabletask.internal.protos import TaskFailureDetails

    return TaskFailureDetails(errorType="X", errorMessage="x")


def checkout_with(**answers: Any) -> tuple[list[Call], dict[str, Any]]:
    by_name = {name.partition(".")[2]: name for name in [*FORWARD, RELEASE, VOID, REFUND, CANCEL]}
    return run(checkout(CONTEXT, START), {by_name[name]: answer for name, answer in answers.items()})


def refusal(code: str) -> dict[str, Any]:
    return {"refusal": code, "message": f"because {code}"}


def test_all_goes_well() -> None:
    calls, result = checkout_with()
    assert [call.activity for call in calls] == FORWARD
    assert result == {"status": "paid"}


def test_steps_are_told_ids_and_amounts_alone() -> None:
    calls, _ = checkout_with()
    assert [call.command for call in calls] == [
        {"order_id": "ord_1", "lines": [{"sku": "A", "quantity": 2}]},
        {"order_id": "ord_1", "amount": {"amount_minor": 1000, "currency": "USD"}},
        {"order_id": "ord_1"},
        {"order_id": "ord_1"},
        {"order_id": "ord_1"},
    ]
    assert [call.app_id for call in calls] == ["inventory", "payments", "orders", "payments", "orders"]


@pytest.mark.parametrize(
    ("step", "code", "undone"),
    [
        ("reserve_stock", "out_of_stock", []),
        ("authorize_payment", "payment_declined", [RELEASE]),
        ("authorize_payment", "fraud_suspected", [RELEASE]),
        ("confirm_order", "cancelled_by_customer", [VOID, RELEASE]),
        ("capture_payment", "capture_failed", [VOID, RELEASE]),
        ("mark_paid", "cancelled_by_customer", [REFUND, RELEASE]),
    ],
)
def test_a_refusal_undoes_what_was_done_and_nothing_else(step: str, code: str, undone: list[str]) -> None:
    calls, result = checkout_with(**{step: refusal(code)})
    names = [call.activity for call in calls]
    refused_at = next(index for index, name in enumerate(FORWARD) if name.endswith(step))
    assert names == [*FORWARD[: refused_at + 1], *undone, CANCEL]
    assert calls[-1].command == {"order_id": "ord_1", "code": code, "message": f"because {code}"}
    assert result == {"status": "cancelled", "code": code}


@pytest.mark.parametrize(
    ("step", "undone"),
    [
        ("reserve_stock", [RELEASE]),
        ("authorize_payment", [VOID, RELEASE]),
        ("confirm_order", [VOID, RELEASE]),
        ("capture_payment", [REFUND, RELEASE]),
    ],
)
def test_a_step_of_unknown_outcome_is_undone_too(step: str, undone: list[str]) -> None:
    calls, result = checkout_with(**{step: Fault})
    failed_at = next(index for index, name in enumerate(FORWARD) if name.endswith(step))
    assert [call.activity for call in calls] == [*FORWARD[: failed_at + 1], *undone, CANCEL]
    assert result == {"status": "cancelled", "code": "internal_error"}


def test_compensations_are_tried_for_ever_and_steps_for_minutes() -> None:
    calls, _ = checkout_with(capture_payment=refusal("capture_failed"))
    attempts = {call.activity: call.attempts for call in calls}
    assert {attempts[name] for name in (RESERVE, AUTHORIZE, CONFIRM, CAPTURE)} == {45}
    assert {attempts[name] for name in (VOID, RELEASE, CANCEL)} == {1_000_000_000}


def test_the_last_step_is_tried_for_ever_since_its_effect_may_have_been_seen() -> None:
    calls, _ = checkout_with()
    assert {call.activity: call.attempts for call in calls}[PAID] == 1_000_000_000


@pytest.mark.parametrize("step", FORWARD)
def test_the_late_outcome_of_another_step_is_not_taken_for_this_ones(step: str) -> None:
    named = {activity: {**DONE, "step": activity} for activity in FORWARD}
    assert run(checkout(CONTEXT, START), named)[1] == {"status": "paid"}
    with pytest.raises(ValueError, match=rf"another\.step came for {step}"):
        run(checkout(CONTEXT, START), {**named, step: {**DONE, "step": "another.step"}})


@pytest.mark.parametrize("step", [REFUND, RELEASE, CANCEL])
def test_nor_is_it_taken_for_that_of_a_compensation(step: str) -> None:
    with pytest.raises(ValueError, match="another"):
        run(cancellation(CONTEXT, {"order_id": "ord_1"}), {step: {**DONE, "step": "another.step"}})


def test_a_paid_order_is_refunded_returned_and_ended() -> None:
    calls, result = run(cancellation(CONTEXT, {"order_id": "ord_1"}), {})
    assert [call.activity for call in calls] == [REFUND, RELEASE, CANCEL]
    assert calls[-1].command["code"] == "cancelled_by_customer"
    assert result == {"status": "cancelled", "code": "cancelled_by_customer"}

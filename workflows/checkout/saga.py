"""The checkout saga and the cancellation of a paid order, as Dapr workflows: they finish, or they undo themselves completely.

Deterministic: no clock, no randomness, no input or output but the steps. A step answers a refusal as a result; what it raises is tried
again, forward steps for about ten minutes, compensations for as long as it takes.
"""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext

from apps.shared.contracts.checkout import StartCheckout
from apps.shared.contracts.inventory import ReserveStock
from apps.shared.contracts.orders import CancelOrder, FailureCode
from apps.shared.contracts.payments import AuthorizePayment
from apps.shared.contracts.step import StepInput, StepOutcome
from apps.shared.platform.retries import StepFault, bounded_retries, endless_retries
from workflows.checkout.plan import CANCELLATION, CHECKOUT, END_AS_CANCELLED, Step, app_of, compensations

Saga = Generator[Any, Any, dict[str, Any]]

CANCELLED_BY_CUSTOMER = StepOutcome(
    refusal=FailureCode.CANCELLED_BY_CUSTOMER, message="The customer cancelled the order."
)
FAULT = StepOutcome(
    refusal=FailureCode.INTERNAL_ERROR, message="The order could not be completed because of a fault on our side."
)


def checkout(ctx: DaprWorkflowContext, raw: dict[str, Any], plan: tuple[Step, ...] = CHECKOUT) -> Saga:
    """Input: StartCheckout. Result: `{"status": "paid"}`, or `{"status": "cancelled", "code": …}` when all is undone."""
    start = StartCheckout.model_validate(raw)
    inputs: dict[str, StepInput] = {
        "inventory.reserve_stock": ReserveStock(order_id=start.order_id, lines=start.lines),
        "payments.authorize_payment": AuthorizePayment(order_id=start.order_id, amount=start.total),
    }
    done: tuple[Step, ...] = ()
    for step in plan:
        command = inputs.get(step.activity, StepInput(order_id=start.order_id))
        try:
            retries = endless_retries() if step.final else bounded_retries()
            outcome = _outcome_of(step.activity, (yield _call(ctx, step.activity, command, retries)))
        except StepFault:
            # Whether it took effect is unknown, so it is undone too.
            done, outcome = (*done, step), FAULT
        if outcome.refusal is not None:
            return (yield from _undo(ctx, start.order_id, compensations(done), outcome))
        done = (*done, step)
    return {"status": "paid"}


def cancellation(ctx: DaprWorkflowContext, raw: dict[str, Any]) -> Saga:
    """Input: StartCancellation. Refunds a paid order, gives its stock back, ends it as cancelled."""
    order_id = StepInput.model_validate(raw).order_id
    return (yield from _undo(ctx, order_id, CANCELLATION, CANCELLED_BY_CUSTOMER))


def _undo(ctx: DaprWorkflowContext, order_id: str, activities: tuple[str, ...], why: StepOutcome) -> Saga:
    code = FailureCode(why.refusal or FailureCode.INTERNAL_ERROR)
    for activity in activities:
        ends = activity == END_AS_CANCELLED
        command = (
            CancelOrder(order_id=order_id, code=code, message=why.message) if ends else StepInput(order_id=order_id)
        )
        _outcome_of(activity, (yield _call(ctx, activity, command, endless_retries())))
    return {"status": "cancelled", "code": code.value}


def _outcome_of(activity: str, raw: dict[str, Any]) -> StepOutcome:
    """Dapr knows a step by its number alone. Where a saga was ended and started again under its id, an outcome that comes late can be
    taken for that of another step: then this one fails, and is started again by the sweep of `orders`.
    """
    outcome = StepOutcome.model_validate(raw)
    if outcome.step not in ("", activity):
        raise ValueError(f"the outcome of {outcome.step} came for {activity}")
    return outcome


def _call(ctx: DaprWorkflowContext, activity: str, command: StepInput, retries: Any) -> Any:
    return ctx.call_activity(
        activity, input=command.model_dump(mode="json"), app_id=app_of(activity), retry_policy=retries
    )

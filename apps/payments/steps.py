"""The saga steps that payments offers: activity in, use case."""

from apps.payments.service import PaymentService
from apps.shared.contracts.payments import (
    AUTHORIZE_PAYMENT,
    CAPTURE_PAYMENT,
    REFUND_PAYMENT,
    VOID_AUTHORIZATION,
    AuthorizePayment,
    CapturePayment,
    RefundPayment,
    VoidAuthorization,
)
from apps.shared.contracts.step import StepOutcome
from apps.shared.platform.steps import WorkflowWorker


def offer_steps(worker: WorkflowWorker, service: PaymentService) -> None:
    """Register the steps; `config/access/payments.yaml` lets `checkout` alone run them."""

    async def authorize(command: AuthorizePayment) -> StepOutcome:
        return await service.authorize(command.order_id, command.amount.money())

    async def capture(command: CapturePayment) -> StepOutcome:
        return await service.capture(command.order_id)

    async def void(command: VoidAuthorization) -> StepOutcome:
        return await service.give_back(command.order_id)

    async def refund(command: RefundPayment) -> StepOutcome:
        return await service.give_back(command.order_id)

    worker.offer(AUTHORIZE_PAYMENT, AuthorizePayment, authorize)
    worker.offer(CAPTURE_PAYMENT, CapturePayment, capture)
    worker.offer(VOID_AUTHORIZATION, VoidAuthorization, void)
    worker.offer(REFUND_PAYMENT, RefundPayment, refund)

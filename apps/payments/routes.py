"""What the audit reads of payments; the gateway lets in who has the permission for it. Nothing else here is public."""

from typing import Annotated

from fastapi import APIRouter, Query

from apps.payments.schemas import AuditedPaymentOut, AuditedPaymentPage
from apps.payments.service import PaymentService
from apps.shared.platform.paging import Cursor, Limit, decode_place, encode_place
from apps.shared.platform.problems import documented


def build_audit_router(service: PaymentService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

    @router.get("/payments", operation_id="auditPayments", responses=documented(400))
    async def payments(
        cursor: Cursor = None,
        limit: Limit = 20,
        order_ids: Annotated[
            list[str] | None,
            Query(max_length=50, description="Only these orders, with or without a payment; not paged"),
        ] = None,
    ) -> AuditedPaymentPage:
        """All payments beside the provider's own books."""
        if order_ids is not None:
            found, rest = await service.audit(order_ids), None
        else:
            found, rest = await service.audit_page(after=decode_place(cursor), limit=limit)
        return AuditedPaymentPage(items=[AuditedPaymentOut.of(one) for one in found], next_cursor=encode_place(rest))

    return router

"""The orders API: HTTP in, use case, schema out. Also the two questions that peers ask."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.exceptions import HTTPException

from apps.orders.domain import Order, OrderNotFound, OrderStatus
from apps.orders.schemas import AuditedOrderOut, AuditedOrderPage, OrderOut, OrderPage, PlaceOrder
from apps.orders.service import OrderService
from apps.shared.contracts.orders import OrderStanding, PaymentInstrument
from apps.shared.platform.etags import tagged
from apps.shared.platform.identity import Caller, CallerDep
from apps.shared.platform.paging import Cursor, Limit, decode_place, decode_position, encode_place, encode_position
from apps.shared.platform.problems import documented


def build_router(service: OrderService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/orders", tags=["orders"])

    async def visible(order_id: str, caller: Caller) -> Order:
        order = await service.get(order_id)
        if not caller.may_see(order.user_id):
            raise OrderNotFound(order_id)
        return order

    @router.post("", operation_id="placeOrder", status_code=202, responses=documented(400, 409, 422))
    async def place(
        body: PlaceOrder,
        request: Request,
        response: Response,
        caller: CallerDep,
        idempotency_key: Annotated[str, Header(max_length=255)] = "",
    ) -> OrderOut:
        """Order the caller's cart at current prices. The order comes back in `draft`; follow it to `paid` or `cancelled`."""
        if not idempotency_key.strip():
            raise HTTPException(
                400, "Send an Idempotency-Key header: a new one for each order, the same one to repeat a request."
            )
        order = await service.place(
            user_id=caller.user_id,
            key=idempotency_key,
            body=body.model_dump_json().encode(),
            payment=body.payment.choice(),
            shipping_address=body.shipping_address.address(),
        )
        response.headers["location"] = f"{request.url.path}/{order.id}"
        return OrderOut.of(order)

    @router.get("", operation_id="listOrders", responses=documented(400))
    async def list_orders(
        caller: CallerDep,
        cursor: Cursor = None,
        limit: Limit = 20,
        user_id: Annotated[
            str | None, Query(description="Whose orders; admins only, others always see their own")
        ] = None,
    ) -> OrderPage:
        """The caller's orders, newest first."""
        owner = user_id if user_id and caller.is_admin else caller.user_id
        orders, rest = await service.list_page(owner, before=decode_position(cursor), limit=limit)
        return OrderPage(items=[OrderOut.of(order) for order in orders], next_cursor=encode_position(rest))

    @router.get("/{order_id}", operation_id="getOrder", response_model=OrderOut, responses=documented(404))
    async def get(
        order_id: str, response: Response, caller: CallerDep, if_none_match: Annotated[str, Header()] = ""
    ) -> OrderOut | Response:
        """One order, with its timeline, and its `failure` when it was cancelled."""
        return tagged(OrderOut.of(await visible(order_id, caller)), response, if_none_match)

    @router.post("/{order_id}/cancel", operation_id="cancelOrder", status_code=202, responses=documented(404, 409))
    async def cancel(order_id: str, caller: CallerDep) -> OrderOut:
        """Ask for the order to be undone; what was captured is refunded. Repeating it changes nothing."""
        await visible(order_id, caller)
        return OrderOut.of(await service.request_cancellation(order_id))

    @router.post("/{order_id}/ship", operation_id="shipOrder", responses=documented(404, 409))
    async def ship(order_id: str) -> OrderOut:
        """Mark a paid order as shipped."""
        return OrderOut.of(await service.fulfil(order_id, OrderStatus.SHIPPED))

    @router.post("/{order_id}/deliver", operation_id="deliverOrder", responses=documented(404, 409))
    async def deliver(order_id: str) -> OrderOut:
        """Mark a shipped order as delivered."""
        return OrderOut.of(await service.fulfil(order_id, OrderStatus.DELIVERED))

    return router


def build_audit_router(service: OrderService) -> APIRouter:
    """What the audit reads; the gateway lets in who has the permission for it."""
    router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

    @router.get("/orders", operation_id="auditOrders", responses=documented(400))
    async def orders(cursor: Cursor = None, limit: Limit = 20) -> AuditedOrderPage:
        """All orders that were ever begun, with the workflows under their ids."""
        page, rest = await service.audit_page(after=decode_place(cursor), limit=limit)
        return AuditedOrderPage(items=[AuditedOrderOut.of(row) for row in page], next_cursor=encode_place(rest))

    return router


def build_peer_router(service: OrderService) -> APIRouter:
    """Operations for other services alone; the gateway has no route to them."""
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.get("/payment-instruments/{order_id}")
    async def payment_instrument(order_id: str) -> PaymentInstrument:
        return await service.payment_instrument(order_id)

    @router.get("/order-standings/{order_id}")
    async def status(order_id: str) -> OrderStanding:
        order = await service.get(order_id)
        return OrderStanding(status=order.status)

    return router

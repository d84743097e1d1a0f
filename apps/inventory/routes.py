"""The inventory API, and the questions of `catalog`."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from apps.inventory.schemas import ReceiptIn, ReservationOut, ReservationPage, StockOut, StockPage
from apps.inventory.service import InventoryService
from apps.shared.contracts.inventory import AskAvailability, Availability, Receipt
from apps.shared.contracts.nothing import Nothing
from apps.shared.contracts.sku import SKU_PATTERN
from apps.shared.platform.etags import tagged
from apps.shared.platform.identity import VENDOR, Caller, CallerDep
from apps.shared.platform.paging import Cursor, Limit, decode_place, decode_position, encode_place, encode_position
from apps.shared.platform.problems import documented

Sku = Annotated[str, Path(pattern=SKU_PATTERN)]


def build_router(service: InventoryService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/inventory", tags=["inventory"])

    async def check_vendor(caller: Caller, sku: str) -> None:
        if caller.role == VENDOR:
            await service.check_owner(sku, caller.user_id)

    @router.get("/{sku}", operation_id="getStock", response_model=StockOut, responses=documented(404))
    async def get(
        sku: Sku, caller: CallerDep, response: Response, if_none_match: Annotated[str, Header()] = ""
    ) -> StockOut | Response:
        """Units of a SKU, in all and by warehouse. Vendors see their own SKUs."""
        await check_vendor(caller, sku)
        return tagged(StockOut.of(await service.get(sku)), response, if_none_match)

    @router.post("/{sku}/receipts", operation_id="receiveStock", status_code=201, responses=documented(404, 422))
    async def receive(
        sku: Sku,
        body: ReceiptIn,
        caller: CallerDep,
        idempotency_key: Annotated[str, Header(max_length=255, description="Repeats under one key count once")] = "",
    ) -> StockOut:
        """Add goods that came in."""
        await check_vendor(caller, sku)
        receipt_id = ""
        if idempotency_key:
            receipt_id = hashlib.sha256(f"{caller.user_id} {sku} {idempotency_key}".encode()).hexdigest()
        stock = await service.receive(sku=sku, warehouse=body.warehouse, quantity=body.quantity, receipt_id=receipt_id)
        return StockOut.of(stock)

    return router


def build_audit_router(service: InventoryService) -> APIRouter:
    """What the audit reads; the gateway lets in who has the permission for it."""
    router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

    @router.get("/stock", operation_id="auditStock", responses=documented(400))
    async def stock(cursor: Cursor = None, limit: Limit = 20) -> StockPage:
        """The stock of every SKU."""
        stocks, rest = await service.list_stocks(before=decode_position(cursor), limit=limit)
        return StockPage(items=[StockOut.of(one) for one in stocks], next_cursor=encode_position(rest))

    @router.get("/reservations", operation_id="auditReservations", responses=documented(400))
    async def reservations(cursor: Cursor = None, limit: Limit = 20) -> ReservationPage:
        """All reservations that ever held stock."""
        page, rest = await service.list_reservations(after=decode_place(cursor), limit=limit)
        return ReservationPage(items=[ReservationOut.of(one) for one in page], next_cursor=encode_place(rest))

    return router


def build_peer_router(service: InventoryService) -> APIRouter:
    """Operations for other services alone; the gateway has no route to them."""
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.post("/receipts")
    async def receive(receipt: Receipt) -> Nothing:
        await service.receive(
            sku=receipt.sku, warehouse=receipt.warehouse, quantity=receipt.quantity, receipt_id=receipt.receipt_id
        )
        return Nothing()

    @router.post("/availability")
    async def availability(question: AskAvailability) -> Availability:
        return Availability(available=await service.availability(question.skus))

    return router

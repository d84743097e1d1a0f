"""The notifications API: HTTP in, use case, schema out."""

from typing import Annotated

from fastapi import APIRouter, Query

from apps.notifications.schemas import AuditedMessageOut, AuditedMessages, NotificationOut, NotificationPage
from apps.notifications.service import NotificationService
from apps.shared.contracts.notifications import AskTold, Told
from apps.shared.platform.identity import CallerDep
from apps.shared.platform.paging import Cursor, Limit, decode_position, encode_position
from apps.shared.platform.problems import documented


def build_router(service: NotificationService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])

    @router.get("", operation_id="listNotifications", responses=documented(400))
    async def list_notifications(caller: CallerDep, cursor: Cursor = None, limit: Limit = 20) -> NotificationPage:
        """The caller's in-app messages, newest first."""
        messages, rest = await service.list_page(caller.user_id, before=decode_position(cursor), limit=limit)
        items = [NotificationOut.of(message) for message in messages]
        return NotificationPage(items=items, next_cursor=encode_position(rest))

    return router


def build_audit_router(service: NotificationService) -> APIRouter:
    """What the audit asks; the gateway lets in who has the permission for it."""
    router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

    @router.get("/notifications", operation_id="auditNotifications")
    async def notifications(
        event_ids: Annotated[list[str], Query(min_length=1, max_length=50, description="Up to 50 event ids")],
    ) -> AuditedMessages:
        """The messages that events became."""
        found = await service.find_by_event(event_ids)
        return AuditedMessages(
            items=[
                AuditedMessageOut(
                    event_id=event_id,
                    message_id=message.id if message else None,
                    mail=message.mail if message else None,
                )
                for event_id, message in found.items()
            ]
        )

    return router


def build_peer_router(service: NotificationService) -> APIRouter:
    """For `orders` alone; the gateway has no route to it."""
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.post("/told")
    async def told(question: AskTold) -> Told:
        return Told(event_ids=tuple(await service.told(list(question.event_ids))))

    return router

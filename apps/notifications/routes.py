"""The notifications API: HTTP in, use case, schema out."""

from fastapi import APIRouter

from apps.notifications.schemas import NotificationOut, NotificationPage
from apps.notifications.service import NotificationService
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

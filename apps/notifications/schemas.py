"""Answers of the notifications API."""

from datetime import datetime

from pydantic import BaseModel

from apps.notifications.domain import Message


class NotificationOut(BaseModel):
    """An in-app message; `mail` is how its mail fares: `sending`, `sent`, `failed` (to be tried again), `unconfirmed` (handed over, and
    nobody knows whether it was sent) or `undeliverable`."""

    id: str
    kind: str
    title: str
    body: str
    order_id: str
    created_at: datetime
    mail: str

    @classmethod
    def of(cls, message: Message) -> "NotificationOut":
        return cls(
            id=message.id,
            kind=message.kind,
            title=message.title,
            body=message.body,
            order_id=message.order_id,
            created_at=message.created_at,
            mail=message.mail,
        )


class NotificationPage(BaseModel):
    """Messages, newest first."""

    items: list[NotificationOut]
    next_cursor: str | None


class AuditedMessageOut(BaseModel):
    """Which message an event became; `message_id` and `mail` are null when it has not become one."""

    event_id: str
    message_id: str | None
    mail: str | None


class AuditedMessages(BaseModel):
    """One item for each event id that was asked about, in their order."""

    items: list[AuditedMessageOut]

"""A message to a person and the decisions about it: pure, with time as an argument.

NotificationError
├── MailInProgress   another delivery of the same event is sending its mail now
├── MailRefused      the mail server did not take the mail
└── MailUnanswered   nobody knows whether the mail was sent
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

MAIL_LEASE = timedelta(seconds=30)
"""How long one delivery has a mail for itself: longer than its calls may take together, shorter than all redeliveries together."""


class NotificationError(Exception):
    """Root of the refusals of this service."""


class MailInProgress(NotificationError):
    def __init__(self, message_id: str) -> None:
        super().__init__(f"the mail of {message_id} is being sent")
        self.message_id = message_id


class MailRefused(NotificationError):
    """`reason` names no address."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the mail was not taken: {reason}")
        self.reason = reason


class MailUnanswered(NotificationError):
    def __init__(self) -> None:
        super().__init__("the mail server did not answer in time")


class Kind(StrEnum):
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_PAID = "order_paid"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_SHIPPED = "order_shipped"


class MailStatus(StrEnum):
    SENDING = "sending"
    FAILED = "failed"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Message:
    """An in-app message, and how its mail fares. `mail_claimed_at` is when a delivery last began to send the mail."""

    id: str
    user_id: str
    order_id: str
    kind: Kind
    title: str
    body: str
    created_at: datetime
    mail: MailStatus
    mail_claimed_at: datetime


def message_id(event_id: str) -> str:
    """The same for each delivery of an event, so that it becomes one message."""
    return f"ntf_{hashlib.sha256(event_id.encode()).hexdigest()[:26]}"


def claim_mail(message: Message, now: datetime) -> Message | None:
    """The message with its mail claimed by the caller; None when the mail needs no sending. Raises MailInProgress."""
    if message.mail in (MailStatus.SENT, MailStatus.UNDELIVERABLE):
        return None
    if message.mail is MailStatus.SENDING and now - message.mail_claimed_at < MAIL_LEASE:
        raise MailInProgress(message.id)
    return replace(message, mail=MailStatus.SENDING, mail_claimed_at=now)


def note_mail(message: Message, claimed: Message, status: MailStatus) -> Message:
    """The message with what became of the mail that `claimed` has claimed; a failure counts only while that claim is the latest."""
    is_latest = message.mail is MailStatus.SENDING and message.mail_claimed_at == claimed.mail_claimed_at
    return message if status is MailStatus.FAILED and not is_latest else replace(message, mail=status)

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
"""How long a delivery may take from claiming a mail to noting what became of it: shorter than all redeliveries together."""


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
        super().__init__("the mail server did not answer")


class Kind(StrEnum):
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_PAID = "order_paid"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_SHIPPED = "order_shipped"


class MailStatus(StrEnum):
    """A `failed` mail is to be tried again; one that is `unconfirmed` was handed over, and nobody knows whether it was sent."""

    SENDING = "sending"
    FAILED = "failed"
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"
    UNDELIVERABLE = "undeliverable"

    @property
    def has_ended(self) -> bool:
        """Whether no further delivery of the event would change it."""
        return self not in (MailStatus.SENDING, MailStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Message:
    """An in-app message, and how its mail fares. `mail_claim` names the delivery that last began to hand the mail over."""

    id: str
    user_id: str
    order_id: str
    kind: Kind
    title: str
    body: str
    created_at: datetime
    mail: MailStatus
    mail_claimed_at: datetime
    mail_claim: str = ""


def message_id(event_id: str) -> str:
    """The same for each delivery of an event, so that it becomes one message."""
    return f"ntf_{hashlib.sha256(event_id.encode()).hexdigest()[:26]}"


def keep(earlier: Message | None, message: Message) -> Message:
    """The message that this delivery has made, or the one that an earlier delivery has."""
    return earlier or message


def claim_mail(earlier: Message | None, message: Message) -> Message:
    """The message after the delivery that made `message` has asked for its mail: `sending` when that delivery is to hand it over.

    Whoever claimed a mail and left no word may have handed it over, so after the lease it is `unconfirmed` for good. To ask again after
    an unknown answer is safe. Raises MailInProgress.
    """
    if earlier is None:
        return message
    if earlier.mail is MailStatus.FAILED:
        claimed = replace(earlier, mail=message.mail, mail_claim=message.mail_claim)
        return replace(claimed, mail_claimed_at=message.mail_claimed_at)
    if earlier.mail is not MailStatus.SENDING or earlier.mail_claim == message.mail_claim:
        return earlier
    if message.mail_claimed_at - earlier.mail_claimed_at < MAIL_LEASE:
        raise MailInProgress(earlier.id)
    return replace(earlier, mail=MailStatus.UNCONFIRMED)


def note_mail(message: Message, claimed: Message, status: MailStatus) -> Message:
    """The message with what became of the mail that `claimed` has claimed, also when it was given up as unconfirmed meanwhile."""
    return replace(message, mail=status) if message.mail_claim == claimed.mail_claim else message

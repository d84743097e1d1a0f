"""What the notification use cases need from outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from apps.notifications.domain import Kind, MailStatus, Message
from apps.shared.contracts.users import Contact
from apps.shared.money import Money


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message is about; `reason` is why an order was cancelled."""

    order_id: str
    total: Money
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A message in the words of its templates; `html` is the mail."""

    title: str
    body: str
    html: str


class MessageStore(Protocol):
    async def claim(self, message: Message, now: datetime) -> Message | None:
        """Save a new message, or claim the mail of the one that is there; None when the mail needs no sending.

        Raises MailInProgress.
        """

    async def note_mail(self, claimed: Message, status: MailStatus) -> None:
        """Keep what became of the mail that `claim` has given to the caller."""

    async def find_many(self, message_ids: list[str]) -> list[Message]:
        """Those that exist."""

    async def list_page(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[Message], int | None]:
        """The user's messages, newest first, and where to go on."""


class Templates(Protocol):
    def render(self, kind: Kind, facts: Facts, *, name: str) -> Text: ...


class Users(Protocol):
    async def find_contact(self, user_id: str) -> Contact | None: ...


class Mail(Protocol):
    async def send(self, address: str, subject: str, html: str) -> None:
        """Raises MailRefused, MailUnanswered, within half the lease of a mail."""


class Clock(Protocol):
    def now(self) -> datetime: ...

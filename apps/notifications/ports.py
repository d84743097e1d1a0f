"""What the notification use cases need from outside."""

from contextlib import AbstractAsyncContextManager
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
    """Patient with a store that is away for some seconds: nothing may have to be guessed for that."""

    async def keep(self, message: Message) -> None:
        """Save a message unless it is there."""

    async def claim(self, message: Message) -> Message:
        """Save what `domain.claim_mail` makes of a message; the message as it is then. Raises MailInProgress."""

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
    def turn(self) -> AbstractAsyncContextManager[None]:
        """What `send` needs: mails leave one at a time. Raises MailRefused when the turn does not come."""

    async def send(self, address: str, subject: str, html: str) -> None:
        """Raises MailRefused when the mail was surely not sent, MailUnanswered when it may have been, within a third of a mail's lease."""


class DeadLetters(Protocol):
    async def kept(self, event_ids: list[str]) -> frozenset[str]:
        """Those of the events that were given up and lie where an operator sees them."""


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...

"""MessageStore over Dapr state. Documents: `message/<id>`; the user's journal of message ids."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from apps.notifications import domain
from apps.notifications.domain import MailStatus, Message
from apps.shared.platform import journal
from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.state import StateConflict, StateStore, Transaction

R = TypeVar("R")

PATIENCE_SECONDS = 8.0
"""A database is back after two seconds as a rule; with the hand-over in between, twice this is less than the lease of a mail."""

_PAUSE_SECONDS = 0.25


class DaprMessageStore:
    """See `ports.MessageStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def keep(self, message: Message) -> None:
        await self._save(message, domain.keep)

    async def claim(self, message: Message) -> Message:
        return await self._save(message, domain.claim_mail)

    async def note_mail(self, claimed: Message, status: MailStatus) -> None:
        document = _key(claimed.id)

        def decide(transaction: Transaction) -> None:
            message = transaction.find(document, Message)
            if message is not None:
                transaction.put(document, domain.note_mail(message, claimed, status))

        await _patiently(lambda: self._state.transact([document], decide))

    async def _save(self, message: Message, decision: Callable[[Message | None, Message], Message]) -> Message:
        document, owner = _key(message.id), _owner(message.user_id)

        def decide(transaction: Transaction) -> Message:
            earlier = transaction.find(document, Message)
            decided = decision(earlier, message)
            if earlier is None:
                journal.append(transaction, owner, message.id)
            if decided != earlier:
                transaction.put(document, decided)
            return decided

        return await _patiently(lambda: self._state.transact([document, journal.head_key(owner)], decide))

    async def list_page(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[Message], int | None]:
        ids, rest = await journal.read_backwards(self._state, _owner(user_id), before=before, limit=limit)
        return await self.find_many(ids), rest

    async def find_many(self, message_ids: list[str]) -> list[Message]:
        if not message_ids:
            return []
        keys = [_key(message_id) for message_id in message_ids]
        loaded = await self._state.load(keys)
        found = (loaded.find(key, Message) for key in keys)
        return [message for message in found if message is not None]


async def _patiently(work: Callable[[], Awaitable[R]]) -> R:
    """Try again while the store is away. Raises what `work` raised last, or TimeoutError in the midst of it."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_SECONDS + 1):
        deadline = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                return await work()
            except (SidecarError, StateConflict):
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)


def _key(message_id: str) -> str:
    return f"message/{message_id}"


def _owner(user_id: str) -> str:
    return f"messages-of/{user_id}"

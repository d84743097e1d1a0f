"""MessageStore over Dapr state. Documents: `message/<id>`; the user's journal of message ids."""

from datetime import datetime

from apps.notifications import domain
from apps.notifications.domain import MailStatus, Message
from apps.shared.platform import journal
from apps.shared.platform.state import StateStore, Transaction


class DaprMessageStore:
    """See `ports.MessageStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def claim(self, message: Message, now: datetime) -> Message | None:
        document, owner = _key(message.id), _owner(message.user_id)

        def decide(transaction: Transaction) -> Message | None:
            earlier = transaction.find(document, Message)
            if earlier is None:
                journal.append(transaction, owner, message.id)
            claimed = domain.claim_mail(earlier, now) if earlier else message
            if claimed is not None:
                transaction.put(document, claimed)
            return claimed

        return await self._state.transact([document, journal.head_key(owner)], decide)

    async def note_mail(self, claimed: Message, status: MailStatus) -> None:
        document = _key(claimed.id)

        def decide(transaction: Transaction) -> None:
            message = transaction.find(document, Message)
            if message is not None:
                transaction.put(document, domain.note_mail(message, claimed, status))

        await self._state.transact([document], decide)

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


def _key(message_id: str) -> str:
    return f"message/{message_id}"


def _owner(user_id: str) -> str:
    return f"messages-of/{user_id}"

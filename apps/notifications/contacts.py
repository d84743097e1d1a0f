"""Remembers for a moment how to reach a person, since an order's messages come one soon after the other."""

import time
from collections.abc import Callable

from apps.notifications.ports import Users
from apps.shared.contracts.users import Contact

_MOST_ENTRIES = 10_000


class RememberedContacts:
    """`ports.Users` over another one; a contact is at most `seconds` old. Who is unknown is asked for again."""

    def __init__(self, users: Users, *, seconds: float = 5.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._users, self._seconds, self._monotonic = users, seconds, monotonic
        self._known: dict[str, tuple[float, Contact]] = {}

    async def find_contact(self, user_id: str) -> Contact | None:
        asked_at = self._monotonic()
        known = self._known.get(user_id)
        if known is not None and asked_at - known[0] < self._seconds:
            return known[1]
        contact = await self._users.find_contact(user_id)
        self._known.pop(user_id, None)
        if contact is not None:
            if len(self._known) >= _MOST_ENTRIES:
                self._known.clear()
            self._known[user_id] = asked_at, contact
        return contact

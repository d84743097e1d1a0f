"""UserStore and SessionStore over Dapr state.

Documents: `user/<id>`; `email/<SHA-256 of the address>`, which claims an address for one user; `family/<id>` (kept 30 days after its
last change); the journal of users by minute.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore, Transaction
from apps.users.domain import EmailTaken, Family, User, UserNotFound

FAMILY_TTL_SECONDS = 30 * 24 * 3600
_NOBODY = "nobody"
_users = MinuteJournal("users")


@dataclass(frozen=True, slots=True)
class EmailClaim:
    """Whose address it is."""

    user_id: str


class DaprUserStore:
    """See `ports.UserStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def add(self, user: User) -> None:
        document, claim = _user_key(user.id), email_key(user.email)

        def decide(transaction: Transaction) -> None:
            earlier = transaction.find(claim, EmailClaim)
            if earlier is not None:
                # A commit whose answer was lost is tried again, and finds itself.
                if earlier.user_id == user.id:
                    return
                raise EmailTaken
            transaction.put(claim, EmailClaim(user.id))
            transaction.put(document, user)
            _users.append(transaction, user.id, user.created_at)

        await self._state.transact([document, claim, *_users.keys(user.id, user.created_at)], decide)

    async def find(self, user_id: str) -> User | None:
        return await self._state.find(_user_key(user_id), User)

    async def find_by_email(self, email: str) -> User | None:
        claim = await self._state.find(email_key(email), EmailClaim)
        return await self.find(claim.user_id if claim else _NOBODY)

    async def update(self, user_id: str, decide: Callable[[User], User]) -> User:
        document = _user_key(user_id)

        def apply(transaction: Transaction) -> User:
            user = transaction.find(document, User)
            if user is None:
                raise UserNotFound(user_id)
            changed = decide(user)
            if changed != user:
                transaction.put(document, changed)
            return changed

        return await self._state.transact([document], apply)


class DaprSessionStore:
    """See `ports.SessionStore`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def open(self, family_id: str, family: Family) -> None:
        await self.update(family_id, lambda _: family)

    async def update(self, family_id: str, decide: Callable[[Family | None], Family | None]) -> Family | None:
        document = f"family/{family_id}"

        def apply(transaction: Transaction) -> Family | None:
            changed = decide(transaction.find(document, Family))
            if changed is None:
                transaction.delete(document)
            else:
                transaction.put(document, changed, ttl_seconds=FAMILY_TTL_SECONDS)
            return changed

        return await self._state.transact([document], apply)


def _user_key(user_id: str) -> str:
    return f"user/{user_id}"


def email_key(email: str) -> str:
    return f"email/{hashlib.sha256(email.encode()).hexdigest()}"

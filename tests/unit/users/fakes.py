"""Fakes of the ports of users: stores in memory, passwords that are not slow, tokens that can be read."""

import itertools
from collections.abc import Callable
from datetime import datetime

from apps.users.domain import EmailTaken, Family, User, UserNotFound
from apps.users.service import UserService
from tests.unit.fakes import CountingIds, FixedClock


class MemoryUsers:
    """`late` looks by address still miss what another replica is writing."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.late = 0

    async def add(self, user: User) -> None:
        if user.email in [known.email for known in self.users.values()]:
            raise EmailTaken
        self.users[user.id] = user

    async def find(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    async def find_by_email(self, email: str) -> User | None:
        if self.late:
            self.late -= 1
            return None
        return next((user for user in self.users.values() if user.email == email), None)

    async def update(self, user_id: str, decide: Callable[[User], User]) -> User:
        if user_id not in self.users:
            raise UserNotFound(user_id)
        self.users[user_id] = decide(self.users[user_id])
        return self.users[user_id]


class MemorySessions:
    def __init__(self) -> None:
        self.families: dict[str, Family] = {}

    async def open(self, family_id: str, family: Family) -> None:
        self.families[family_id] = family

    async def update(self, family_id: str, decide: Callable[[Family | None], Family | None]) -> Family | None:
        changed = decide(self.families.pop(family_id, None))
        if changed is not None:
            self.families[family_id] = changed
        return changed


class QuickPasswords:
    """The hash of `secret` is `1:secret` until `version` moves on; notes what it was asked to verify."""

    def __init__(self) -> None:
        self.version = 1
        self.verified: list[str | None] = []

    async def hash(self, password: str) -> str:
        return f"{self.version}:{password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified.append(password_hash)
        return password_hash is not None and password_hash.partition(":")[2] == password

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self.version}:")


class ReadableTokens:
    lifetime_seconds = 900

    def issue(self, user: User, now: datetime) -> str:
        return f"{user.id} {user.role} {now:%H:%M}"


class CountingSecrets:
    """As long as real ones, each another."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token_urlsafe(self, size_bytes: int) -> str:
        return str(next(self._numbers)).rjust(-(-size_bytes * 4 // 3), "s")


class House:
    """The service with all its fakes at hand."""

    def __init__(self) -> None:
        self.users, self.sessions, self.passwords = MemoryUsers(), MemorySessions(), QuickPasswords()
        self.clock = FixedClock()
        self.service = UserService(
            users=self.users,
            sessions=self.sessions,
            passwords=self.passwords,
            tokens=ReadableTokens(),
            clock=self.clock,
            ids=CountingIds(),
            secrets=CountingSecrets(),
        )

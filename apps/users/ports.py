"""What the user use cases need from outside."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from apps.users.domain import Family, User


class UserStore(Protocol):
    """Accounts, by id and by e-mail address."""

    async def add(self, user: User) -> None:
        """Save a new account together with the claim on its e-mail address. Raises EmailTaken."""

    async def find(self, user_id: str) -> User | None: ...

    async def find_by_email(self, email: str) -> User | None:
        """The account of a normalized address; takes as long when there is none."""

    async def update(self, user_id: str, decide: Callable[[User], User]) -> User:
        """Save what the pure `decide` makes of the account. Raises UserNotFound, and what `decide` raises."""


class SessionStore(Protocol):
    """Families of refresh tokens; one that is not written for 30 days is gone."""

    async def open(self, family_id: str, family: Family) -> None: ...

    async def update(self, family_id: str, decide: Callable[[Family | None], Family | None]) -> Family | None:
        """Save what the pure `decide` makes of the family, and answer it; None ends it.

        Of two changes at once the second decides over what the first has saved.
        """


class Passwords(Protocol):
    """Slow on purpose, and never many at once."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they belong together; takes as long for None, which is no password's hash."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""


class AccessTokens(Protocol):
    @property
    def lifetime_seconds(self) -> int: ...

    def issue(self, user: User, now: datetime) -> str:
        """A signed token that tells who the user is and what its role allows, until it expires."""


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...


class Secrets(Protocol):
    def token_urlsafe(self, size_bytes: int) -> str:
        """That many random bytes in URL-safe base 64, fit for secrets."""

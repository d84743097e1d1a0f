"""An account, its sessions and the decisions about them: pure, with time, ids and secrets as arguments.

UserError
├── EmailTaken          another account has this e-mail address
├── UserNotFound        no such account for this caller
├── UserChanged         the profile is no longer the one that the caller has read
├── CredentialsRefused  e-mail address and password do not belong together
└── SessionEnded        the refresh token is unknown, expired, or was used before
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class UserError(Exception):
    """Root of the refusals of this service. No text of them names a person."""


class EmailTaken(UserError):
    def __init__(self) -> None:
        super().__init__("There is an account with this e-mail address already: log in instead.")


class UserNotFound(UserError):
    def __init__(self, user_id: str) -> None:
        super().__init__(f"There is no user {user_id}.")
        self.user_id = user_id


class UserChanged(UserError):
    def __init__(self) -> None:
        super().__init__("The profile was changed since it was read; read it again.")


class CredentialsRefused(UserError):
    def __init__(self) -> None:
        super().__init__("E-mail address and password do not belong together.")


class SessionEnded(UserError):
    def __init__(self) -> None:
        super().__init__("This refresh token is no longer valid; log in again.")


class Role(StrEnum):
    CUSTOMER = "customer"
    VENDOR = "vendor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """An account. `email` is normalized: two spellings of one address are the same text."""

    id: str
    email: str
    name: str
    role: Role
    password_hash: str
    created_at: datetime
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a client keeps to get new access tokens: the name of its family, and a secret that serves once."""

    family_id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.family_id}.{self.secret}"

    @property
    def secret_hash(self) -> str:
        """What is stored of it."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Raises SessionEnded for what was never one."""
        if not _REFRESH_TOKEN.fullmatch(text):
            raise SessionEnded
        family_id, _, secret = text.partition(".")
        return cls(family_id, secret)


_REFRESH_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Family:
    """The refresh tokens that follow from one login. One is alive; `generation` counts how many came before it."""

    user_id: str
    token_hash: str
    generation: int = 0


def rotate(family: Family | None, presented: RefreshToken, successor: RefreshToken) -> Family | None:
    """The family with `successor` alive instead of `presented`; None when it is over.

    A dead token means that two hold the same one, and which of them is the thief cannot be known: the whole family
    ends (RFC 9700, 4.14.2). A family in which `successor` is alive already has been rotated by this very call, whose first
    answer was lost.
    """
    if family is not None and hmac.compare_digest(family.token_hash, successor.secret_hash):
        return family
    if family is None or not hmac.compare_digest(family.token_hash, presented.secret_hash):
        return None
    return replace(family, token_hash=successor.secret_hash, generation=family.generation + 1)

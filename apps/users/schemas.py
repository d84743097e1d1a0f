"""Requests and answers of the users API."""

import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from apps.shared.contracts.address import PostalAddress
from apps.shared.contracts.email import MAX_LENGTH, normalized
from apps.users.domain import Address, Role, User
from apps.users.service import TokenPair

MAX_ADDRESSES = 20


def _one_line(text: str) -> str:
    text = text.strip()
    if not text or any(unicodedata.category(letter) == "Cc" for letter in text):
        raise ValueError("must be one line of text")
    return text


Email = Annotated[
    str,
    Field(max_length=MAX_LENGTH, examples=["ada@shop.example"], json_schema_extra={"format": "email"}),
    AfterValidator(normalized),
]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Password = Annotated[SecretStr, Field(min_length=12, max_length=128, description="12 to 128 characters")]
RefreshTokenText = Annotated[SecretStr, Field(max_length=200)]


class Registration(BaseModel):
    """A new account."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password
    name: Name


class Credentials(BaseModel):
    """Proof of an account."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Annotated[SecretStr, Field(max_length=128)]


class RefreshTokenIn(BaseModel):
    """The refresh token of the last answer."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: RefreshTokenText


class TokensOut(BaseModel):
    """Send `access_token` as a bearer token until `expires_in` seconds are over; then exchange `refresh_token`, once."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int

    @classmethod
    def of(cls, pair: TokenPair) -> "TokensOut":
        return cls(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in_seconds)


class UserAddress(PostalAddress):
    """Where the user has things sent to."""


class ProfileIn(BaseModel):
    """What a user may change; `addresses` stay as they are when left out."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    addresses: list[UserAddress] | None = Field(default=None, max_length=MAX_ADDRESSES)

    def domain_addresses(self) -> tuple[Address, ...] | None:
        if self.addresses is None:
            return None
        return tuple(Address(**address.model_dump()) for address in self.addresses)


class RoleIn(BaseModel):
    """The role to give."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class UserOut(BaseModel):
    """An account as its owner and admins see it."""

    id: str
    email: str
    name: str
    role: Role
    addresses: list[UserAddress]
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserOut":
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            addresses=[
                UserAddress(**{name: getattr(address, name) for name in UserAddress.model_fields})
                for address in user.addresses
            ],
            created_at=user.created_at,
        )

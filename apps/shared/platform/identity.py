"""Who is calling: the identity that the gateway has verified, carried between services in headers.

The headers are believed because only the gateway may invoke public operations (access policies in `config/`), and the gateway
drops the same headers from what comes in from outside.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

USER_ID_HEADER = "x-plaza-user-id"
ROLE_HEADER = "x-plaza-role"

ADMIN = "admin"
VENDOR = "vendor"
GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a public operation. `user_id` is empty for a guest; `role` is admin, vendor, customer or guest."""

    user_id: str
    role: str

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN

    def may_see(self, owner_id: str) -> bool:
        """Whether an object of `owner_id` exists for this caller: its owner and admins see it, to others it is a 404."""
        return self.is_admin or (self.user_id != "" and self.user_id == owner_id)


def _caller(
    x_plaza_user_id: Annotated[str, Header(include_in_schema=False)] = "",
    x_plaza_role: Annotated[str, Header(include_in_schema=False)] = GUEST,
) -> Caller:
    return Caller(user_id=x_plaza_user_id, role=x_plaza_role)


CallerDep = Annotated[Caller, Depends(_caller)]

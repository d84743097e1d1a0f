"""What `users` answers to peers, and the words for what a token allows."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

ISSUER = "plaza"
AUDIENCE = "plaza"
SIGNING_ALGORITHM = "EdDSA"


class Permission(StrEnum):
    """What the bearer of an access token may do; a role grants some of them, an operation of the public API asks for one."""

    ORDERS_PLACE = "orders:place"
    ORDERS_READ = "orders:read"
    ORDERS_FULFIL = "orders:fulfil"
    PRODUCTS_WRITE = "products:write"
    INVENTORY_READ = "inventory:read"
    INVENTORY_WRITE = "inventory:write"
    USERS_ASSIGN_ROLES = "users:assign-roles"
    AUDIT_READ = "audit:read"
    EVENTS_REPLAY = "events:replay"


class Contact(BaseModel):
    """How to reach a person; `notifications` asks when it writes, so that no event carries personal data."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    user_id: str
    email: str
    name: str


class Jwk(BaseModel):
    """A public Ed25519 key that verifies access tokens (RFC 8037)."""

    model_config = ConfigDict(frozen=True)

    kty: str = "OKP"
    crv: str = "Ed25519"
    x: str
    kid: str
    use: str = "sig"
    alg: str = SIGNING_ALGORITHM


class JwkSet(BaseModel):
    """The keys under which valid access tokens may be signed (RFC 7517): the one in use, and any that was in use lately."""

    model_config = ConfigDict(frozen=True)

    keys: tuple[Jwk, ...]

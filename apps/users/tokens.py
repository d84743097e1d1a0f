"""Access tokens: JWTs signed with Ed25519 (RFC 8037), and the public keys that verify them."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from apps.shared.contracts.users import AUDIENCE, ISSUER, SIGNING_ALGORITHM, Jwk, JwkSet
from apps.users.domain import User
from apps.users.permissions import GRANTS
from apps.users.ports import Ids

LIFETIME_SECONDS = 15 * 60


class SigningKeyAbsent(Exception):
    """The key is not read yet: this replica is still starting."""

    def __init__(self) -> None:
        super().__init__("Tokens cannot be signed yet. Try again in a moment.")


class SignedTokens:
    """See `ports.AccessTokens`. Holds one signing key; `jwks` is a list so that an earlier one can stand beside it."""

    lifetime_seconds = LIFETIME_SECONDS

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._key: Ed25519PrivateKey | None = None
        self._jwk: Jwk | None = None

    async def load(self, read_secret: Callable[[], Awaitable[dict[str, str]]]) -> None:
        """Take the key `private_key_pem` of the secret. Raises TypeError when it is not an Ed25519 key."""
        key = load_pem_private_key((await read_secret())["private_key_pem"].encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the secret token-signing holds no Ed25519 key")
        self._key, self._jwk = key, jwk_of(key.public_key())

    def jwks(self) -> JwkSet:
        """Raises SigningKeyAbsent."""
        if self._jwk is None:
            raise SigningKeyAbsent
        return JwkSet(keys=(self._jwk,))

    def issue(self, user: User, now: datetime) -> str:
        if self._key is None or self._jwk is None:
            raise SigningKeyAbsent
        issued_at = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.id,
            "role": user.role,
            "permissions": sorted(GRANTS[user.role]),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + LIFETIME_SECONDS,
            "jti": self._ids.new("tok"),
        }
        return jwt.encode(claims, self._key, algorithm=SIGNING_ALGORITHM, headers={"kid": self._jwk.kid})


def jwk_of(key: Ed25519PublicKey) -> Jwk:
    """The key as a JWK; its `kid` is the thumbprint of RFC 7638, so that every replica names it alike."""
    x = _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return Jwk(x=x, kid=_base64url(hashlib.sha256(members.encode()).digest()))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

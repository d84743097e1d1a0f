"""Decides who a bearer token speaks for, with nothing but the public keys of `users`, so that `users` is not asked on each request."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from apps.shared.contracts.users import AUDIENCE, ISSUER, SIGNING_ALGORITHM
from apps.shared.platform.identity import GUEST
from apps.shared.platform.sidecar import SidecarError

log = logging.getLogger(__name__)

LEEWAY_SECONDS = 5
MAX_TOKEN_CHARACTERS = 8192
REFETCH_SECONDS = 5
STALE_SECONDS = 300


class TokenRefused(Exception):
    """The token is not one that `users` gave out, or its time is over."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request speaks for. `user_id` is empty for a guest, who has no permissions."""

    user_id: str
    role: str
    permissions: frozenset[str]


NOBODY = Identity(user_id="", role=GUEST, permissions=frozenset())

Keys = Mapping[str, Ed25519PublicKey]


class KeyRing:
    """The public keys of `users` by key id.

    An unknown id makes it fetch again, at most once in REFETCH_SECONDS; a set older than STALE_SECONDS is renewed in the
    background, so that withdrawn keys end. While `fetch` fails, the keys at hand go on working.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Any]], *, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._now = fetch, now
        self._keys: Keys = {}
        self._tried_at = self._loaded_at = float("-inf")
        self._turn = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Fetch the key set now. Raises SidecarError, also for an answer that has no usable key."""
        self._tried_at = self._now()
        keys = _usable_keys(await self._fetch())
        if not keys:
            raise SidecarError("fetch of the signing keys", 0, "", "no usable key in the answer")
        self._keys, self._loaded_at = keys, self._now()

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        """The key of that id. Raises SidecarError only while there are no keys at all."""
        if key_id not in self._keys:
            await self._refetch()
        elif self._now() - self._loaded_at > STALE_SECONDS and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._refetch())
        return self._keys.get(key_id)

    async def _refetch(self) -> None:
        async with self._turn:
            if self._now() - self._tried_at < REFETCH_SECONDS:
                if not self._keys:
                    raise SidecarError("look-up of a signing key", 0, "", "no keys yet")
                return
            try:
                await self.load()
            except SidecarError as error:
                if not self._keys:
                    raise
                log.warning("signing keys not renewed: %s", error)


class TokenVerifier:
    """Checks access tokens (RFC 7519, RFC 8725): EdDSA with a known key, issuer, audience, subject and times."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def verify(self, token: str) -> Identity:
        """Who `token` speaks for. Raises TokenRefused, and SidecarError when no key could be fetched yet."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenRefused("too long")
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if header.get("alg") != SIGNING_ALGORITHM or not isinstance(key_id, str):
                raise TokenRefused("another algorithm, or no key id")
            key = await self._keys.find(key_id)
            if key is None:
                raise TokenRefused("unknown key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[SIGNING_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(str(error)) from error
        return _identity(claims)


def _identity(claims: Mapping[str, Any]) -> Identity:
    user_id, role, permissions = claims["sub"], claims.get("role"), claims.get("permissions")
    if not (isinstance(user_id, str) and user_id and isinstance(role, str) and role and isinstance(permissions, list)):
        raise TokenRefused("claims of another form")
    return Identity(user_id=user_id, role=role, permissions=frozenset(map(str, permissions)))


def _usable_keys(document: Any) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JSON Web Key Set (RFC 7517, RFC 8037); others are passed over."""
    keys: dict[str, Ed25519PublicKey] = {}
    entries = document.get("keys") if isinstance(document, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        try:
            key = jwt.PyJWK(entry, algorithm=SIGNING_ALGORITHM).key
        except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
            continue
        if isinstance(key, Ed25519PublicKey) and isinstance(entry.get("kid"), str):
            keys[entry["kid"]] = key
    return keys

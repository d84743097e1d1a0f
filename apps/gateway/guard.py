"""Lets a request in or turns it away: token, then rate, then permission, before any service hears of it."""

import hashlib
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from apps.gateway.edge import note
from apps.gateway.limits import RateLimiter, Standing, network_of
from apps.gateway.routing import Access, Rate, Row
from apps.gateway.tokens import NOBODY, Identity, TokenRefused, TokenVerifier
from apps.shared.contracts.email import MAX_LENGTH, normalized

CHALLENGE = {"www-authenticate": "Bearer"}


class Guard:
    """Decides for each request whether its sender may make it, and how often."""

    def __init__(self, verifier: TokenVerifier, *, standard: RateLimiter, auth: RateLimiter) -> None:
        self._verifier, self._standard, self._auth = verifier, standard, auth

    async def admit(self, request: Request, row: Row) -> Identity:
        """Who sends `request`. A refused token counts against the sender's address, so that guessing is slow too.

        Raises HTTPException 401, 403 or 429, and SidecarError while no signing key is known.
        """
        address = network_of(request.client.host) if request.client else "unknown"
        limiter = self._standard if row.rate is Rate.STANDARD else self._auth
        try:
            identity = NOBODY if row.access is Access.UNSIGNED else await self._identify(request)
        except TokenRefused as error:
            _count(request, limiter.take(address))
            raise HTTPException(401, "The access token is not valid, or no longer.", CHALLENGE) from error
        signed_in = identity.user_id if row.rate is Rate.STANDARD else ""
        _count(request, limiter.take(signed_in or address))
        if row.access in (Access.UNSIGNED, Access.ANYONE, Access.GUEST_OR_USER):
            return identity
        if identity is NOBODY:
            raise HTTPException(401, "This needs an access token: Authorization: Bearer …", CHALLENGE)
        if row.access is not Access.SIGNED_IN and row.access not in identity.permissions:
            raise HTTPException(403, f"This needs the permission {row.access}.")
        return identity

    def count_login(self, request: Request, body: Any) -> None:
        """Count a login against the account that it names, wherever it comes from. Raises HTTPException 429.

        The answer shows this limit only when it refuses, else that of the address.
        """
        if email := _email(body):
            standing = self._auth.take(f"email:{hashlib.sha256(email.encode()).hexdigest()}")
            if standing.refused:
                _count(request, standing)

    async def _identify(self, request: Request) -> Identity:
        given = request.headers.getlist("authorization")
        if not given:
            return NOBODY
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise TokenRefused("not one bearer token")
        return await self._verifier.verify(token.strip())


def _count(request: Request, standing: Standing) -> None:
    note(request, standing.headers())
    if standing.refused:
        raise HTTPException(429, f"Too many requests; the next is welcome in {standing.wait_seconds} s.")


def _email(body: Any) -> str:
    """The address as `users` reads it; empty where there is none, which `users` refuses."""
    email = body.get("email") if isinstance(body, dict) else None
    try:
        return normalized(email) if isinstance(email, str) and len(email) <= MAX_LENGTH else ""
    except ValueError:
        return ""

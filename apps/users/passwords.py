"""Argon2id hashes (RFC 9106) in threads, a few at once, since each takes 64 MiB and a good part of a second of one core."""

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

R = TypeVar("R")

_AT_ONCE = min(4, os.cpu_count() or 1)


class Argon2Passwords:
    """See `ports.Passwords`."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash("no password has this hash")

    async def hash(self, password: str) -> str:
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        belongs = await self._in_turn(lambda: self._verify(password_hash or self._nobodys, password))
        return belongs and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[[], R]) -> R:
        async with self._turns:
            return await asyncio.to_thread(work)

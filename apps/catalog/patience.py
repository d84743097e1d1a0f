"""Asks for what the service can do without: within a time limit, and not again for a moment after it failed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class Patience:
    """One helper that may be slow or gone. `failures` are the exceptions that mean so; others pass through."""

    def __init__(
        self,
        name: str,
        failures: tuple[type[Exception], ...],
        *,
        limit_seconds: float = 1.0,
        rest_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._failures: tuple[type[Exception], ...] = (TimeoutError, *failures)
        self._limit_seconds, self._rest_seconds, self._monotonic = limit_seconds, rest_seconds, monotonic
        self._resting_until = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]], *, insist: bool = False) -> T | None:
        """The answer; None when there is none in time. For `rest_seconds` after a failure only who insists still asks."""
        if self._monotonic() < self._resting_until and not insist:
            return None
        try:
            return await asyncio.wait_for(question(), self._limit_seconds)
        except self._failures as error:
            self._resting_until = self._monotonic() + self._rest_seconds
            log.warning("doing without %s: %s", self._name, error or type(error).__name__)
            return None

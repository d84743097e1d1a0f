"""Asks once for what many want: while enough questions are under way, those who come share the next one.

Nobody is kept waiting for company, and nobody gets an answer to a question that was put before he came.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Wish(Generic[K, V]):
    keys: tuple[K, ...]
    answer: "asyncio.Future[dict[K, V]]"
    context: contextvars.Context


class Gathered(Generic[K, V]):
    """`ask` gets the keys of all who wait, each once, and answers those that it found. Use from one event loop.

    At most `at_once` questions are under way, each with `most` keys unless one caller alone wants more. What `ask` raises, all raise who
    shared it: a key that only one of them would be refused for is to be kept out by the callers. A question runs in the context (trace,
    request id) of whoever waited longest.
    """

    def __init__(
        self, ask: Callable[[tuple[K, ...]], Awaitable[Mapping[K, V]]], *, at_once: int = 1, most: int = 200
    ) -> None:
        self._ask, self._at_once, self._most = ask, at_once, most
        self._waiting: deque[_Wish[K, V]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def find(self, keys: Iterable[K]) -> dict[K, V]:
        """Those of `keys` that were found. Raises what `ask` raises."""
        wish: _Wish[K, V] = _Wish(tuple(keys), asyncio.get_running_loop().create_future(), contextvars.copy_context())
        self._waiting.append(wish)
        self._begin()
        return await wish.answer

    def _begin(self) -> None:
        while self._waiting and len(self._under_way) < self._at_once:
            context = self._waiting[0].context
            task = asyncio.get_running_loop().create_task(self._answer(), context=context)
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._begin()

    async def _answer(self) -> None:
        """Takes who waits when it gets its turn, so that all who came in one round of the loop share a question."""
        wishes = self._take()
        wanted = tuple(dict.fromkeys(key for wish in wishes for key in wish.keys))
        if not wanted:
            for wish in wishes:
                if not wish.answer.done():
                    wish.answer.set_result({})
            return
        try:
            found = await self._ask(wanted)
        except BaseException as error:  # also one that ends this task: those who wait must not wait for ever
            for wish in wishes:
                if not wish.answer.done():
                    wish.answer.set_exception(error)
            return
        for wish in wishes:
            if not wish.answer.done():
                wish.answer.set_result({key: found[key] for key in wish.keys if key in found})

    def _take(self) -> list[_Wish[K, V]]:
        wishes: list[_Wish[K, V]] = []
        keys = 0
        while self._waiting and (not wishes or keys + len(self._waiting[0].keys) <= self._most):
            wish = self._waiting.popleft()
            if not wish.answer.done():  # who gave up wants nothing any more
                wishes.append(wish)
                keys += len(wish.keys)
        return wishes

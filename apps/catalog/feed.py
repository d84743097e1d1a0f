"""Keeps a replica's search index in step with the store, for its own writes at once and for the others' within a second.

The index only ever takes what was read from the store, one batch after the other, so it cannot fall back to an older version of a
product, whoever wrote in which order. It lives in memory and is built anew from the change journal at every start: nothing that a
kill could leave half-written.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from apps.catalog.domain import Product
from apps.catalog.index import ProductIndex
from apps.catalog.ports import Count, Found, SearchQuery
from apps.shared.platform.sidecar import SidecarError

log = logging.getLogger(__name__)

BATCH = 500
MOST_REMEMBERED = 500
"""Pages that were searched since the index last changed: some megabytes."""


class Products(Protocol):
    async def find_many(self, product_ids: Iterable[str]) -> dict[str, Product]: ...


class Changes(Protocol):
    async def read(self, after: tuple[int, ...]) -> tuple[list[str], tuple[int, ...]]: ...


class SearchFeed:
    """See `ports.Search`. Use from one event loop."""

    def __init__(
        self,
        *,
        index: ProductIndex,
        products: Products,
        changes: Changes,
        start: tuple[int, ...],
        poll_seconds: float,
    ) -> None:
        self._index, self._products, self._changes = index, products, changes
        self._positions, self._poll_seconds = start, poll_seconds
        self._turn = asyncio.Lock()
        self._waiting: dict[str, None] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index-writer")
        self._following: asyncio.Task[None] | None = None
        self._remembered: dict[SearchQuery, Found] = {}
        self._remembered_of = -1

    async def search(self, query: SearchQuery) -> Found:
        """What was found stands until the index changes. Few pages are asked for by many: they are searched once."""
        generation = self._index.generation
        if self._remembered_of != generation:
            self._remembered_of, self._remembered = generation, {}
        found = self._remembered.get(query)
        if found is None:
            found = await asyncio.to_thread(self._index.search, query)
            if self._remembered_of == generation == self._index.generation and len(self._remembered) < MOST_REMEMBERED:
                self._remembered[query] = found
        return found

    async def count_categories(self) -> tuple[Count, ...]:
        return await asyncio.to_thread(self._index.count_categories)

    async def refresh(self, product_id: str) -> None:
        """Writers that come while a batch is under way share the next one. When the store does not answer, `follow` catches up."""
        self._waiting[product_id] = None
        async with self._turn:
            if product_id not in self._waiting:
                return
            batch, self._waiting = list(self._waiting), {}
            try:
                await self._take(batch)
                await self._in_turn(self._index.commit)
            except SidecarError as error:
                log.warning("lists show a change later: %s", error)

    async def catch_up(self) -> int:
        """Take all that was committed before the call; how many products that were. Raises SidecarError."""
        async with self._turn:
            changed, positions = await self._changes.read(self._positions)
            for start in range(0, len(changed), BATCH):
                await self._take(changed[start : start + BATCH])
            if changed:
                await self._in_turn(self._index.commit)
            self._positions = positions
        return len(changed)

    async def start(self) -> None:
        """Build the index, then follow the journal in the background. Raises SidecarError."""
        built = await self.catch_up()
        log.info("search index built", extra={"fields": {"products": built}})
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        self._writer.shutdown()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.catch_up()
            except SidecarError as error:
                log.warning("lists may be behind: %s", error)
            except Exception:
                log.exception("lists may be behind")

    async def _take(self, product_ids: list[str]) -> None:
        found = await self._products.find_many(product_ids)
        changes = {product_id: found.get(product_id) for product_id in product_ids}
        await self._in_turn(self._index.take, changes)

    async def _in_turn(self, work: Callable[..., None], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, work, *arguments)

"""The catalog's change journal: which products were added, changed or deleted, so that search indexes can follow the store.

An entry is a product id, appended in the transaction that changes the product; what became of it is read from the store. A few shards
keep writers out of each other's way; within a replica the writers of a shard take turns.
"""

import asyncio
import zlib
from collections.abc import Iterable

from apps.shared.platform import journal
from apps.shared.platform.state import StateStore, Transaction

SHARDS = 8
_PAGES_AT_ONCE = 50

Positions = tuple[int, ...]
"""How many entries of each shard a follower has seen."""

START: Positions = (0,) * SHARDS


class ChangeJournal:
    """The journal of one catalog."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._turns = [asyncio.Lock() for _ in range(SHARDS)]

    def key(self, product_id: str) -> str:
        """The document that a transaction must read to note a change of the product."""
        return journal.head_key(_owner(_shard(product_id)))

    def turn(self, product_id: str) -> asyncio.Lock:
        """Held around such a transaction: it spares retries, the ETag is the guarantee."""
        return self._turns[_shard(product_id)]

    def note(self, transaction: Transaction, product_id: str) -> None:
        """Append the change in the caller's transaction."""
        journal.append(transaction, _owner(_shard(product_id)), product_id)

    async def read(self, after: Positions) -> tuple[list[str], Positions]:
        """The products changed after the positions, each once, and the positions to go on from. Raises SidecarError.

        One bulk get when little has changed. A change that was committed before the call is in the answer.
        """
        heads = await self._state.load([journal.head_key(_owner(shard)) for shard in range(SHARDS)])
        pages: list[tuple[int, journal.Page]] = []
        older: list[tuple[int, int]] = []
        ends: list[int] = []
        for shard, seen in enumerate(after):
            head = heads.find(journal.head_key(_owner(shard)), journal.Page) or journal.Page()
            end = head.number * journal.PAGE_SIZE + len(head.entries)
            ends.append(end)
            if end > seen:
                pages.append((shard, head))
                older += [(shard, number) for number in range(seen // journal.PAGE_SIZE, head.number)]
        pages += await self._load(older)
        changed: dict[str, None] = {}
        for shard, page in pages:
            seen_here = max(0, after[shard] - page.number * journal.PAGE_SIZE)
            changed |= dict.fromkeys(page.entries[seen_here:])
        return list(changed), tuple(ends)

    async def _load(self, wanted: list[tuple[int, int]]) -> Iterable[tuple[int, journal.Page]]:
        found: list[tuple[int, journal.Page]] = []
        for start in range(0, len(wanted), _PAGES_AT_ONCE):
            batch = wanted[start : start + _PAGES_AT_ONCE]
            loaded = await self._state.load([journal.page_key(_owner(shard), number) for shard, number in batch])
            for shard, number in batch:
                page = loaded.find(journal.page_key(_owner(shard), number), journal.Page)
                if page is not None:
                    found.append((shard, page))
        return found


def _shard(product_id: str) -> int:
    return zlib.crc32(product_id.encode()) % SHARDS


def _owner(shard: int) -> str:
    return f"catalog-changes/{shard}"

"""Journals by minute and shard: what a sweep or an audit must walk through, without a page that every writer contends for.

Each entry stands in the journal of the minute it names, in a shard of its own choosing; a sweep walks the minutes in order.
Whoever writes the first entry of a minute and shard notes the hour, unless that is done, in a journal of hours, so that an audit finds the
first entry of all and never walks an empty hour. That costs an append one more key in its bulk get, and a write once an hour.
"""

import logging
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.shared.platform import journal
from apps.shared.platform.state import StateStore, Transaction

log = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)
_BATCH_MINUTES = 60
_FIRST_LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True)
class SweepCursor:
    """The first minute that has not been looked at."""

    next_minute: datetime


class MinuteJournal:
    """The minute journals called `name`; `shards` of them a minute."""

    def __init__(self, name: str, *, shards: int = 8) -> None:
        self._name, self._shards = name, shards

    def keys(self, entry: str, at: datetime) -> list[str]:
        """The documents that a transaction must read to append `entry`."""
        return [journal.head_key(self._owner_of(entry, at)), journal.head_key(self.hours)]

    def append(self, transaction: Transaction, entry: str, at: datetime, *, shard_of: str | None = None) -> None:
        """Note `entry` under the minute of `at`, in the caller's transaction, in the shard of `shard_of` (its own by default).

        The hour is looked for only with a new document: the one that is there was written together with its hour. An hour that has
        left the head of its journal may be noted once more.
        """
        owner = self._owner_of(shard_of or entry, at)
        if transaction.find(journal.head_key(owner), journal.Page) is None:
            hours = transaction.find(journal.head_key(self.hours), journal.Page)
            hour = f"{at.astimezone(UTC):%Y%m%d%H}"
            if hours is None or hour not in hours.entries:
                journal.append(transaction, self.hours, hour)
        journal.append(transaction, owner, entry)

    async def list_page(
        self, store: StateStore, *, after: tuple[int, int], limit: int
    ) -> tuple[list[str], tuple[int, int] | None]:
        """Up to `limit` entries, the oldest hour first, and where to go on; None at the end. `after` is (0, 0), or where to go on.

        Every entry that was there at the beginning of the walk comes at least once; one that was appended twice, or while its hour
        is walked through, may come again.
        """
        number, offset = after
        entries: list[str] = []
        while (hour := await journal.find_entry(store, self.hours, number)) is not None:
            found = await self._entries(store, self.owners_of(hour))
            taken = found[offset : offset + limit - len(entries)]
            entries += taken
            offset += len(taken)
            if offset < len(found):
                return entries, (number, offset)
            number, offset = number + 1, 0
            if len(entries) == limit:
                return entries, (number, offset)
        return entries, None

    async def sweep(self, store: StateStore, *, until: datetime, look: Callable[[str], Awaitable[None]]) -> int:
        """Call `look` with each entry of the whole minutes before `until` that no sweep has finished; how many there were.

        An entry may be looked at more than once. One whose `look` raises is looked at again by the next sweep, and keeps no other waiting.
        """
        cursor_key = f"sweep/{self._name}"
        end = _minute(until)
        cursor = await store.find(cursor_key, SweepCursor)
        minute = cursor.next_minute if cursor else _minute(until - _FIRST_LOOK_BACK)
        looked_at = 0
        while minute < end:
            batch_end = min(minute + _BATCH_MINUTES * _MINUTE, end)
            for entry in await self._entries(store, self._owners(minute, batch_end)):
                try:
                    await look(entry)
                except Exception:
                    log.exception("a sweep of %s could not handle %s", self._name, entry)
                    await self._append_later(store, entry, end)
                looked_at += 1
            minute = batch_end
            await store.transact([cursor_key], lambda tx, at=minute: tx.put(cursor_key, SweepCursor(at)))  # type: ignore[misc]
        return looked_at

    async def _append_later(self, store: StateStore, entry: str, at: datetime) -> None:
        await store.transact(self.keys(entry, at), lambda transaction: self.append(transaction, entry, at))

    async def _entries(self, store: StateStore, owners: list[str]) -> list[str]:
        heads = await store.load([journal.head_key(owner) for owner in owners])
        entries: list[str] = []
        for owner in owners:
            head = heads.find(journal.head_key(owner), journal.Page)
            if head is not None:
                entries += head.entries if head.number == 0 else await journal.read_all(store, owner)
        return entries

    @property
    def hours(self) -> str:
        """The owner of the journal of hours."""
        return f"{self._name}/hours"

    def owners_of(self, hour: str) -> list[str]:
        """The owners of all journals of an hour that the journal of hours has, in order; not each of them has a journal."""
        start = datetime.strptime(hour, "%Y%m%d%H").replace(tzinfo=UTC)
        return self._owners(start, start + timedelta(hours=1))

    def _owners(self, start: datetime, end: datetime) -> list[str]:
        minutes = range(int((end - start) / _MINUTE))
        return [self._owner(start + i * _MINUTE, shard) for i in minutes for shard in range(self._shards)]

    def _owner_of(self, entry: str, at: datetime) -> str:
        return self._owner(at, zlib.crc32(entry.encode()) % self._shards)

    def _owner(self, at: datetime, shard: int) -> str:
        return f"{self._name}/{at.astimezone(UTC):%Y%m%d%H%M}/{shard}"


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)

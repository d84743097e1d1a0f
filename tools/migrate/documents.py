"""Reads documents through the state API of a sidecar, or copies them on the way; takes no broken answer for an empty store."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.shared.platform.journal import PAGE_SIZE, head_key, page_key
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.sidecar import Sidecar
from tools.local.errors import LocalError

BATCH = 200
WITNESS = "witness"
"""Every service writes it when it opens its store: a bulk get without it is one that broke off, and a store without it is no shop's."""

Document = dict[str, Any]


class Reader:
    """The documents of one app in one store, whose component is `store`."""

    def __init__(self, sidecar: Sidecar, store: str) -> None:
        self._sidecar, self._store = sidecar, store

    async def batches(self, keys: Iterable[str]) -> AsyncIterator[dict[str, Document]]:
        """Those of `keys` that exist, some at a time. Raises: LocalError when the store does not answer in full."""
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), BATCH):
            rows = await bulk_get(self._sidecar, self._store, [*wanted[start : start + BATCH], WITNESS])
            if rows.pop(WITNESS, None) is None:
                raise LocalError(f"{self._store} gave an answer that broke off: nothing is known of what it holds.")
            await self._take(rows)
            yield {key: orjson.loads(text_of(row)) for key, row in rows.items()}

    async def read(self, keys: Iterable[str]) -> dict[str, Document]:
        """As `batches`, all at once."""
        found: dict[str, Document] = {}
        async for batch in self.batches(keys):
            found |= batch
        return found

    async def see(self, keys: Iterable[str]) -> None:
        """As `batches`, for what nobody needs to look into."""
        async for _ in self.batches(keys):
            pass

    async def _take(self, rows: Mapping[str, Any]) -> None:
        """What else is done with what was read."""

    async def journal(self, owner: str) -> list[str]:
        """The entries of a journal of pages, oldest first."""
        return await self._entries([owner])

    async def minutes(self, journal: MinuteJournal) -> list[str]:
        """The entries of a journal by minute, in the order of their minutes."""
        entries: list[str] = []
        for hour in dict.fromkeys(await self.journal(journal.hours)):
            entries += await self._entries(journal.owners_of(hour))
        return entries

    async def _entries(self, owners: list[str]) -> list[str]:
        heads = await self.read(map(head_key, owners))
        numbers = {owner: heads[head_key(owner)]["number"] for owner in owners if head_key(owner) in heads}
        full = {owner: [page_key(owner, page) for page in range(number)] for owner, number in numbers.items()}
        pages = await self.read(key for keys in full.values() for key in keys)
        entries: list[str] = []
        for owner, keys in full.items():
            older = [pages[key]["entries"] for key in keys if key in pages]
            if any(len(page) != PAGE_SIZE for page in older) or len(older) != len(keys):
                raise LocalError(
                    f"the journal of {owner} in {self._store} has a gap: audit the shop before it is moved."
                )
            for page in (*older, heads[head_key(owner)]["entries"]):
                entries += page
        return entries


class Copier(Reader):
    """Writes what it reads into `target` as well, with what is left of its life, and reads it back; counts the documents."""

    def __init__(self, sidecar: Sidecar, store: str, target: str) -> None:
        super().__init__(sidecar, store)
        self._target = target
        self._copied: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._copied)

    async def _take(self, rows: Mapping[str, Any]) -> None:
        new = {key: row for key, row in rows.items() if key not in self._copied}
        if not new:
            return
        body = [saved(key, row, datetime.now(UTC)) for key, row in new.items()]
        await self._sidecar.call("POST", f"/v1.0/state/{self._target}", json=body, timeout_seconds=60)
        there = await bulk_get(self._sidecar, self._target, list(new))
        for key, row in new.items():
            if key not in there and not ends_soon(row, datetime.now(UTC)):
                raise LocalError(f"{self._target} took {key} and does not have it.")
            if key in there and orjson.loads(text_of(there[key])) != orjson.loads(text_of(row)):
                raise LocalError(f"{self._target} has another {key} than it was given.")
        self._copied.update(new)


async def bulk_get(sidecar: Sidecar, store: str, keys: list[str]) -> dict[str, Any]:
    """The rows that exist, as the sidecar gives them. Raises: LocalError, SidecarError."""
    body = {"keys": keys, "parallelism": 16}
    rows = await sidecar.call("POST", f"/v1.0/state/{store}/bulk", json=body, timeout_seconds=60)
    if failed := next((row for row in rows if row.get("error")), None):
        raise LocalError(f"{store} cannot give {failed['key']}: {failed['error']}")
    return {row["key"]: row for row in rows if row.get("data") is not None}


def saved(key: str, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The request that writes a row as a service would."""
    request: dict[str, Any] = {"key": key, "value": text_of(row)}
    if (left := _seconds_left(row, now)) is not None:
        request["metadata"] = {"ttlInSeconds": str(max(1, left))}
    return request


def text_of(row: Mapping[str, Any]) -> str:
    """The JSON text that the service has saved: daprd gives it as text, or decoded where it was encrypted."""
    data = row["data"]
    return data if isinstance(data, str) else orjson.dumps(data).decode()


def ends_soon(row: Mapping[str, Any], now: datetime) -> bool:
    left = _seconds_left(row, now)
    return left is not None and left < 5


def _seconds_left(row: Mapping[str, Any], now: datetime) -> int | None:
    """None for one that stays."""
    ends_at = (row.get("metadata") or {}).get("ttlExpireTime")
    return None if ends_at is None else int((datetime.fromisoformat(ends_at) - now).total_seconds())

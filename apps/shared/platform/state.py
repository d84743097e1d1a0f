"""Load, decide, save: documents read with one bulk get and written in one transaction, guarded by their ETags.

A service states the keys and a pure decision; conflicts start over, a bounded number of times.
"""

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from apps.shared.gathered import Gathered
from apps.shared.platform.sidecar import Sidecar, SidecarError
from apps.shared.platform.sole_writer import SoleWriter, sole_writer

T = TypeVar("T")
R = TypeVar("R")

MAX_ATTEMPTS = 12
READS_AT_ONCE = 2
"""Bulk gets under way from one replica to one store; who comes meanwhile shares the next, which hardly costs more for it."""

MOST_KEYS = 200
_BACKOFF_SECONDS = 0.005
_BACKOFF_LIMIT_SECONDS = 0.2
_WITNESS = "witness"
"""A document that is always there. When a database dies in the midst of a bulk get, Dapr's PostgreSQL component (1.18.3) looks at no error
and answers that no document exists (state/postgresql/v2, BulkGet); an answer without this one is such an answer."""
_WRAPPED = "base64"


class StateConflict(Exception):
    """Others kept changing the same documents for as long as we cared to try; nothing was written by this call."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"gave up on a contended transaction over {', '.join(keys)}")
        self.keys = tuple(keys)


class DocumentUnreadable(Exception):
    """What is stored under a key is not of the form that this version reads. Its text has nothing of the content, which may be private."""

    def __init__(self, key: str, error: ValidationError) -> None:
        wrong = (f"{'.'.join(map(str, item['loc']))}: {item['type']}" for item in error.errors(include_input=False))
        super().__init__(f"cannot read {key}: {'; '.join(wrong)}")


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


class Transaction:
    """The documents that one round has read, and the writes that it wants; given to a decision, which must be pure.

    A document can be written only if it was read: found ones are written against their ETag, absent ones only if still absent.
    """

    def __init__(self, found: dict[str, tuple[Any, str | None]]) -> None:
        self._found = found
        self._writes: dict[str, dict[str, Any]] = {}

    def find(self, key: str, kind: type[T]) -> T | None:
        """The document under `key` (a key of this round) as `kind`, or None. Sees this round's own writes. Raises DocumentUnreadable."""
        value = self._writes[key]["decoded"] if key in self._writes else self._found[key][0]
        try:
            return None if value is None else cast(T, _adapter(kind).validate_python(value))
        except ValidationError as error:
            raise DocumentUnreadable(key, error) from None

    def put(self, key: str, value: object, *, ttl_seconds: int | None = None) -> None:
        """Write `value` (a dataclass or pydantic model, a JSON object in any case) under `key` when the round commits.

        It travels as text: for an encrypted store daprd encrypts Go's print of the value, which of text is the text itself.
        """
        _, etag = self._found[key]
        text = _to_text(_adapter(type(value)).dump_json(value))
        request: dict[str, Any] = {"key": key, "value": text, "options": {"concurrency": "first-write"}}
        if etag is not None:
            request["etag"] = etag
        if ttl_seconds is not None:
            request["metadata"] = {"ttlInSeconds": str(ttl_seconds)}
        self._writes[key] = {"operation": "upsert", "request": request, "decoded": value}

    def put_new(self, key: str, value: object) -> None:
        """Write a document that this round has not read and that must not exist yet, or the round starts over."""
        self._found.setdefault(key, (None, None))
        self.put(key, value)

    def delete(self, key: str) -> None:
        """Remove the document under `key`, if there is one, when the round commits."""
        _, etag = self._found[key]
        if etag is None:
            self._writes.pop(key, None)
            return
        request = {"key": key, "etag": etag, "options": {"concurrency": "first-write"}}
        self._writes[key] = {"operation": "delete", "request": request, "decoded": None}

    def operations(self) -> list[dict[str, Any]]:
        return [{"operation": write["operation"], "request": write["request"]} for write in self._writes.values()]


class StateStore:
    """One Dapr state store component."""

    def __init__(self, sidecar: Sidecar, name: str) -> None:
        self._sidecar, self.name = sidecar, name
        self._path = f"/v1.0/state/{name}"
        self._sole_writer: SoleWriter | None = None
        self._witnesses: tuple[str, ...] = ()
        self._reads: Gathered[str, dict[str, Any]] = Gathered(self._read, at_once=READS_AT_ONCE, most=MOST_KEYS)

    async def open(self) -> None:
        """Find out what guards its transactions, and write the witness of its reads.

        Raises AnotherReplicaWritesError where only one replica may write, and one does; SidecarError.
        """
        self._sole_writer = await sole_writer(self._sidecar, self)
        await self._sidecar.call("POST", self._path, json=[{"key": _WITNESS, "value": "{}"}])
        self._witnesses = (_WITNESS,)

    async def transact(self, keys: Sequence[str], decide: Callable[[Transaction], R]) -> R:
        """Read `keys`, let `decide` choose the writes, commit them all or none; starts over when a document changed meanwhile.

        `decide` may run several times. What it raises passes through and writes nothing.

        Raises:
            StateConflict: still contended after MAX_ATTEMPTS rounds.
            SidecarError: the store or the sidecar cannot be reached; the writes may or may not have been made.
        """
        if self._sole_writer is None:
            return await self._until_committed(keys, decide, self._commit)
        async with self._sole_writer.turn(keys):
            return await self._until_committed(keys, decide, self._commit)

    async def put_one(self, key: str, decide: Callable[[Transaction], R]) -> R:
        """Like `transact` over one document that `decide` puts or leaves alone, but by a plain save.

        Redis needs it: in its transactions, unlike in its saves, a document that was absent is written over what came in between.
        """
        return await self._until_committed([key], decide, self._save)

    async def offer(self, documents: Mapping[str, object], *, ttl_seconds: int) -> None:
        """Write those that are not there yet, by plain saves; one that is there, or comes in between, stays. Raises SidecarError."""
        transaction = Transaction(dict.fromkeys(documents, (None, None)))
        for key, value in documents.items():
            transaction.put(key, value, ttl_seconds=ttl_seconds)
        await self._save(transaction.operations())

    async def _until_committed(
        self,
        keys: Sequence[str],
        decide: Callable[[Transaction], R],
        commit: Callable[[list[dict[str, Any]]], Awaitable[bool]],
    ) -> R:
        for attempt in range(MAX_ATTEMPTS):
            transaction = await self.load(keys)
            result = decide(transaction)
            operations = transaction.operations()
            if not operations or await commit(operations):
                return result
            limit = min(_BACKOFF_SECONDS * 2**attempt, _BACKOFF_LIMIT_SECONDS)
            await asyncio.sleep(random.uniform(0, limit))
        raise StateConflict(keys)

    async def load(self, keys: Sequence[str]) -> Transaction:
        """The documents under `keys`, for reading. Raises SidecarError."""
        rows = await self._reads.find(keys)
        found: dict[str, tuple[Any, str | None]] = dict.fromkeys(keys, (None, None))
        for key, row in rows.items():
            if row.get("error"):
                raise SidecarError(f"get {key}", 500, "ERR_STATE_GET", row["error"])
            found[key] = (_from_data(row.get("data")), row.get("etag"))
        return Transaction(found)

    async def _read(self, keys: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """What the store says of each key, faults of single keys included."""
        body = {"keys": list(dict.fromkeys((*keys, *self._witnesses))), "parallelism": 16}
        answer = await self._sidecar.call("POST", f"{self._path}/bulk", json=body)
        if answer is None:  # daprd answers 200 without a body when it cannot put what is stored into JSON
            raise SidecarError(f"get {', '.join(keys)}", 500, "ERR_STATE_GET", "one of these is not stored as JSON")
        rows = {row["key"]: row for row in answer}
        for witness in self._witnesses:
            row = rows.get(witness, {})
            if row.get("error"):
                raise SidecarError(f"get {witness}", 500, "ERR_STATE_GET", row["error"])
            if row.get("data") is None:
                raise SidecarError(f"get from {self.name}", 503, "ERR_STATE_GET", "the answer broke off")
        return rows

    async def find(self, key: str, kind: type[T]) -> T | None:
        """The document under `key`, or None."""
        return (await self.load([key])).find(key, kind)

    async def _commit(self, operations: list[dict[str, Any]]) -> bool:
        """Whether the transaction was made; False when the store refused it, nearly always because a document changed.

        Stores word a conflict differently, so every refusal counts as one: a store that is down shows at the next read.
        """
        return await self._accepted(f"{self._path}/transaction", {"operations": operations}, "ERR_STATE_TRANSACTION")

    async def _save(self, operations: list[dict[str, Any]]) -> bool:
        """As `_commit`, for upserts alone."""
        requests = [operation["request"] for operation in operations]
        return await self._accepted(self._path, requests, "ERR_STATE_SAVE")

    async def _accepted(self, path: str, body: Any, refused_code: str) -> bool:
        try:
            await self._sidecar.call("POST", path, json=body)
        except SidecarError as error:
            if error.code != refused_code:
                raise
            return False
        return True


def _to_text(document: bytes) -> str:
    """The JSON object as text that has no backslash.

    Dapr's etcd component (1.18.3, state/utils, JSONStringify) quotes a text without escaping backslashes, and cannot read it again.
    """
    if b"\\" not in document:
        return document.decode()
    return orjson.dumps({_WRAPPED: base64.b64encode(document).decode()}).decode()


def _from_data(data: Any) -> Any:
    """What `_to_text` was given, decoded; `data` is its text, or what an encrypted store has made of that."""
    decoded = orjson.loads(data) if isinstance(data, str) else data
    if isinstance(decoded, dict) and decoded.keys() == {_WRAPPED}:
        return orjson.loads(base64.b64decode(decoded[_WRAPPED]))
    return decoded

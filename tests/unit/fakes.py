"""Fakes that several services' unit tests share: a clock that stands still, ids that count, a state store in memory."""

import asyncio
import inspect
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.types import ASGIApp

from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.state import StateStore

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class FixedClock:
    """Stands still until it is told to move."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **amount: float) -> None:
        self.at += timedelta(**amount)


class CountingIds:
    """`ord_1`, `ord_2`, …"""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"


class MemorySidecar:
    """The state API of a sidecar, in memory, with ETags and atomic transactions; counts its calls.

    `before_commit` runs once before the next transaction, so that a test can change a document in between. While it `is_dying` it
    answers that there is nothing, as Dapr does when PostgreSQL breaks off; while something `is_unreadable` it answers without a body.
    """

    def __init__(self) -> None:
        self.documents: dict[str, tuple[Any, str]] = {}
        self.calls: list[str] = []
        self.before_commit: Callable[[], object] | None = None
        self.is_dying = self.is_unreadable = False
        self._etags = itertools.count(1)

    async def call(self, method: str, path: str, *, json: Any = None, **_: Any) -> Any:
        await asyncio.sleep(0)  # lets others in, as a network would
        operation = path.rsplit("/", 1)[-1]
        self.calls.append(operation)
        if operation == "metadata":
            return {"components": []}
        if operation == "bulk" and self.is_unreadable:
            return None
        if operation == "bulk":
            return [{"key": key} if self.is_dying else self._row(key) for key in json["keys"]]
        if operation == "statestore":
            self.documents |= {item["key"]: (item["value"], str(next(self._etags))) for item in json}
            return None
        if self.before_commit:
            hook, self.before_commit = self.before_commit, None
            changing = hook()
            if inspect.isawaitable(changing):
                await changing
        body = orjson.loads(orjson.dumps(json))
        for item in body["operations"]:
            stored = self.documents.get(item["request"]["key"])
            if (stored[1] if stored else None) != item["request"].get("etag"):
                raise SidecarError(f"{method} {path}", 500, "ERR_STATE_TRANSACTION", "etag mismatch")
        for item in body["operations"]:
            key = item["request"]["key"]
            if item["operation"] == "delete":
                del self.documents[key]
            else:
                self.documents[key] = (item["request"]["value"], str(next(self._etags)))
        return None

    def touch(self, key: str) -> None:
        """Give a document a new ETag, as another writer would."""
        value, _ = self.documents[key]
        self.documents[key] = (value, str(next(self._etags)))

    def _row(self, key: str) -> dict[str, Any]:
        if key not in self.documents:
            return {"key": key}
        value, etag = self.documents[key]
        return {"key": key, "data": value, "etag": etag}


def memory_state(sidecar: MemorySidecar | None = None) -> StateStore:
    """A StateStore over memory."""
    return StateStore(sidecar or MemorySidecar(), "statestore")  # type: ignore[arg-type]


async def ask(app: ASGIApp, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """Status and decoded JSON of one request to a bare app."""
    sent: list[Any] = []
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "http_version": "1.1"}
    parts = [{"type": "http.request", "body": body}]

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], orjson.loads(b"".join(part.get("body", b"") for part in sent[1:]))

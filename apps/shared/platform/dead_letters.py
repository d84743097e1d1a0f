"""Keeps the events that a service could not handle where an operator sees them, and hands them to its handlers again.

The sidecar moves such an event to the dead-letter topic of its consumer, and the consumer reads that topic itself, as raw bytes: what
stands there may be no CloudEvent at all.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel

from apps.shared.platform import journal
from apps.shared.platform.paging import Cursor, Limit, decode_position, encode_position
from apps.shared.platform.problems import documented
from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.state import StateConflict, StateStore, Transaction
from apps.shared.platform.subscriptions import EventMalformed, EventUnknown, Subscriptions

log = logging.getLogger(__name__)

LETTER_LIFE = timedelta(days=30)
_TTL_SECONDS = int(LETTER_LIFE.total_seconds())
_OWNER = "dead-letters"


class LetterUnknown(Exception):
    """There is no such letter, or no longer."""

    def __init__(self, letter_id: str) -> None:
        super().__init__(f"There is no dead letter {letter_id}.")
        self.letter_id = letter_id


class LetterRefused(Exception):
    """The handler failed again; the letter waits on."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"The event was refused again: {type(error).__name__}: {error}")


STATUSES: dict[type[Exception], int] = {
    LetterUnknown: 404,
    LetterRefused: 409,
    EventUnknown: 422,
    EventMalformed: 422,
}
"""For the table of a service that keeps its dead letters."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that was not handled; `text` is the whole CloudEvent as it came. Without one `event_id` and `type` are empty."""

    id: str
    event_id: str
    type: str
    text: str
    arrived_at: datetime
    handled_at: datetime | None = None

    @property
    def envelope(self) -> Mapping[str, Any]:
        """The CloudEvent; empty when the text is none."""
        return _envelope(self.text)


class LetterOut(BaseModel):
    """An event that this consumer could not handle: `text` is all that came. It waits until `handled_at`, for 30 days at most."""

    id: str
    event_id: str
    type: str
    text: str
    arrived_at: datetime
    handled_at: datetime | None


class LetterPage(BaseModel):
    """Dead letters, newest first."""

    items: list[LetterOut]
    next_cursor: str | None


class Clock(Protocol):
    def now(self) -> datetime: ...


class DeadLetters:
    """The dead letters of one consumer. Documents: `dead-letter/<id>`; the journal of all."""

    def __init__(self, state: StateStore, subscriptions: Subscriptions, clock: Clock, *, consumer: str) -> None:
        self._state, self._subscriptions, self._clock, self._consumer = state, subscriptions, clock, consumer

    async def keep(self, content: bytes) -> Letter:
        """Keep what came on the dead-letter topic; one letter an event id, however often it comes. Raises SidecarError, StateConflict."""
        letter = _letter(content, self._clock.now())
        key = _key(letter.id)

        def decide(transaction: Transaction) -> Letter:
            earlier = transaction.find(key, Letter)
            if earlier is None:
                transaction.put(key, letter, ttl_seconds=_TTL_SECONDS)
                journal.append(transaction, _OWNER, letter.id)
            return earlier or letter

        return await self._state.transact([key, journal.head_key(_OWNER)], decide)

    async def list_page(self, *, before: int | None, limit: int) -> tuple[list[Letter], int | None]:
        """Letters, newest first, handled ones too, and where to go on; a page may be short of those that have expired."""
        ids, rest = await journal.read_backwards(self._state, _OWNER, before=before, limit=limit)
        if not ids:
            return [], rest
        loaded = await self._state.load([_key(letter_id) for letter_id in ids])
        found = (loaded.find(_key(letter_id), Letter) for letter_id in dict.fromkeys(ids))
        return [letter for letter in found if letter is not None], rest

    async def kept(self, event_ids: list[str]) -> frozenset[str]:
        """Those of the events that have a letter, handled or not."""
        if not event_ids:
            return frozenset()
        keys = {event_id: _key(_letter_id(event_id.encode())) for event_id in event_ids}
        loaded = await self._state.load(list(keys.values()))
        return frozenset(event_id for event_id, key in keys.items() if loaded.find(key, Letter) is not None)

    async def replay(self, letter_id: str) -> Letter:
        """Give the event to this service's own handlers once more; the letter as it is then. One that is handled stays as it is.

        Raises LetterUnknown, LetterRefused, EventUnknown, EventMalformed; SidecarError and StateConflict while something is away.
        """
        key = _key(letter_id)
        letter = await self._state.find(key, Letter)
        if letter is None:
            raise LetterUnknown(letter_id)
        if letter.handled_at is not None:
            return letter
        try:
            await self._subscriptions.handle(letter.envelope)
        except (EventUnknown, EventMalformed, SidecarError, StateConflict, TimeoutError):
            raise
        except Exception as error:
            log.warning("dead letter %s was refused again", letter_id, exc_info=error)
            raise LetterRefused(error) from error
        handled = replace(letter, handled_at=self._clock.now())
        await self._state.transact([key], lambda transaction: transaction.put(key, handled, ttl_seconds=_TTL_SECONDS))
        return handled

    async def discard(self, letter_id: str) -> None:
        """Forget the letter for good. Raises LetterUnknown, also when that is repeated; SidecarError, StateConflict."""
        key = _key(letter_id)

        def decide(transaction: Transaction) -> Letter:
            letter = transaction.find(key, Letter)
            if letter is None:
                raise LetterUnknown(letter_id)
            transaction.delete(key)
            return letter

        letter = await self._state.transact([key], decide)
        log.warning("dead letter %s was discarded: %s %s", letter.id, letter.type, letter.event_id)

    def router(self) -> APIRouter:
        """The route of the dead-letter topic, and the operations of those whom the gateway lets in."""
        router = APIRouter(tags=["audit"])
        path, name = f"/api/v1/audit/dead-letters/{self._consumer}", self._consumer.title()

        @router.post("/dead-letters", include_in_schema=False)
        async def take(request: Request) -> dict[str, str]:
            letter = await self.keep(base64.b64decode((await request.json())["data_base64"]))
            log.error("an event could not be handled: %s %s is dead letter %s", letter.type, letter.event_id, letter.id)
            return {"status": "SUCCESS"}

        @router.get(path, operation_id=f"list{name}DeadLetters", responses=documented(400))
        async def list_letters(cursor: Cursor = None, limit: Limit = 20) -> LetterPage:
            """The events that this consumer could not handle, newest first, also those that a replay has handled since."""
            letters, rest = await self.list_page(before=decode_position(cursor), limit=limit)
            items = [LetterOut.model_validate(letter, from_attributes=True) for letter in letters]
            return LetterPage(items=items, next_cursor=encode_position(rest))

        @router.post(
            f"{path}/{{letter_id}}/replay",
            operation_id=f"replay{name}DeadLetter",
            responses=documented(404, 409, 422),
        )
        async def replay(letter_id: str) -> LetterOut:
            """Give the event to its consumer again, and to no other; harmless when that is repeated.

            409 when the consumer refuses it again, 422 when no consumer could ever take it.
            """
            return LetterOut.model_validate(await self.replay(letter_id), from_attributes=True)

        @router.delete(
            f"{path}/{{letter_id}}", status_code=204, operation_id=f"discard{name}DeadLetter", responses=documented(404)
        )
        async def discard(letter_id: str) -> None:
            """Forget the event for good: for what no consumer could ever take, or what was made good by hand."""
            await self.discard(letter_id)

        return router


def _letter(content: bytes, at: datetime) -> Letter:
    text = content.decode(errors="replace")
    envelope = _envelope(text)
    event_id, kind = (str(envelope.get(name, "")) for name in ("id", "type"))
    letter_id = _letter_id(event_id.encode() or content)
    return Letter(id=letter_id, event_id=event_id, type=kind, text=text, arrived_at=at)


def _letter_id(source: bytes) -> str:
    """The same for each copy of an event, so that it becomes one letter."""
    return f"dlt_{hashlib.sha256(source).hexdigest()[:26]}"


def _envelope(text: str) -> dict[str, Any]:
    try:
        decoded = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _key(letter_id: str) -> str:
    return f"dead-letter/{letter_id}"

"""Tells a client of each step of its order as it happens (Server-Sent Events), from polls of `orders`, so that clients need not poll."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson

from apps.shared.platform.sidecar import Answer, SidecarError

FIRST_PAUSE_SECONDS = 0.15
LONGEST_PAUSE_SECONDS = 1.0
PAUSE_GROWTH = 1.3
HEARTBEAT_SECONDS = 15.0
LONGEST_STREAM_SECONDS = 15 * 60.0
FINAL_STATUSES = frozenset({"paid", "cancelled", "delivered"})

Poll = Callable[[str], Awaitable[Answer]]
"""Asks for the order, given the ETag that is known already (empty for none)."""


class OrderProgress:
    """What of an order's timeline is still to be told, one event an entry, in order, each once."""

    def __init__(self, last_seen: str = "") -> None:
        self._last_seen, self._told, self.ended = last_seen, 0, False

    def news(self, order: dict[str, Any]) -> list[bytes]:
        """The events of the entries since the last call; at first those after the one that the client saw last.

        `ended` holds once the order stands at paid, cancelled or delivered and that was told, now or before. A paid order may ship
        later: whoever waits for that asks again with `Last-Event-ID: paid` once it is shipped.
        """
        timeline = order["timeline"]
        statuses = [entry["status"] for entry in timeline]
        if self._last_seen in statuses:
            self._told = max(self._told, statuses.index(self._last_seen) + 1)
        events = [_event(order, entry) for entry in timeline[self._told :]]
        self._told = max(self._told, len(timeline))
        self.ended = order["status"] in FINAL_STATUSES and order["status"] in statuses
        return events


async def order_events(
    first: Answer,
    poll: Poll,
    progress: OrderProgress,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[bytes]:
    """The stream of one order, of which `first` is a first look.

    Ends with the order's progress, when `orders` refuses to show it any more, or after LONGEST_STREAM_SECONDS; a service that does
    not answer is waited for. A comment each HEARTBEAT_SECONDS keeps proxies from closing it.
    """
    answer: Answer | None = first
    etag, pause, started_at = "", FIRST_PAUSE_SECONDS, now()
    wrote_at = started_at
    while now() - started_at < LONGEST_STREAM_SECONDS:
        if answer is not None and 400 <= answer.status < 500:
            return
        if answer is not None and answer.status == 200:
            etag = _etag(answer)
            for event in progress.news(answer.json()):
                yield event
                wrote_at, pause = now(), FIRST_PAUSE_SECONDS
            if progress.ended:
                return
        if now() - wrote_at >= HEARTBEAT_SECONDS:
            yield b": still here\n\n"
            wrote_at = now()
        await sleep(pause)
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)
        try:
            answer = await poll(etag)
        except SidecarError:
            answer = None


def _event(order: dict[str, Any], entry: dict[str, Any]) -> bytes:
    data = {"order_id": order["id"], "status": entry["status"], "at": entry["at"]}
    if entry["status"] == "cancelled" and order.get("failure"):
        data["failure"] = order["failure"]
    return b"id: %s\nevent: status\ndata: %s\n\n" % (entry["status"].encode(), orjson.dumps(data))


def _etag(answer: Answer) -> str:
    return next((value for name, value in answer.headers.items() if name.lower() == "etag"), "")

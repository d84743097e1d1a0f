"""Takes CloudEvents that the sidecar delivers to `/events/<topic>` and hands each to the handler of its type.

Which topics arrive, and where undeliverable events go, stands in `config/subscriptions/`.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import ValidationError

from apps.shared.contracts.event import Event
from apps.shared.platform.telemetry import about_order

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], Awaitable[None]]


class Subscriptions:
    """The handlers of one service, by event type. A handler must be idempotent: events arrive at least once, in any order.

    A handler that raises makes the sidecar deliver again, within the bounds of its resiliency policy, then dead-letter. An event that
    is not of its contract's form is dead-lettered at once. Types without a handler are acknowledged.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[type[Event], Handler]] = {}

    def on(self, kind: type[E], handler: Callable[[E], Awaitable[None]]) -> None:
        self._handlers[kind.type] = (kind, handler)

    def router(self) -> APIRouter:
        """One route a topic of the registered types."""
        router = APIRouter(include_in_schema=False)
        for topic in sorted({kind.topic for kind, _ in self._handlers.values()}):
            router.add_api_route(f"/events/{topic}", self._deliver, methods=["POST"])
        return router

    async def _deliver(self, request: Request) -> dict[str, str]:
        envelope = await request.json()
        known = self._handlers.get(envelope.get("type", ""))
        if known is None:
            return {"status": "SUCCESS"}
        kind, handler = known
        try:
            event = kind.model_validate(envelope.get("data"))
        except ValidationError as error:
            log.error("dead-lettered %s %s: %s", kind.type, envelope.get("id"), error)
            return {"status": "DROP"}
        with about_order(event.partition_key):
            await handler(event)
        return {"status": "SUCCESS"}

"""Takes CloudEvents that the sidecar delivers to `/events/<topic>` and hands each to the handler of its type.

Which topics arrive, and where undeliverable events go, stands in `config/subscriptions/`.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import ValidationError

from apps.shared.contracts.event import Event
from apps.shared.platform.telemetry import about_order

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], Awaitable[None]]


class EventUnknown(Exception):
    """No handler here is for this type of event."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"Nothing here handles events of type '{kind}'.")
        self.kind = kind


class EventMalformed(Exception):
    """The event does not have the form of its contract: no handler will ever take it."""

    def __init__(self, kind: str, error: ValidationError) -> None:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'data'}: {fault['msg']}" for fault in faults)
        super().__init__(f"This is no {kind}: {told}.")
        self.kind = kind


class Subscriptions:
    """The handlers of one service, by event type. A handler must be idempotent: events arrive at least once, in any order.

    A handler that raises makes the sidecar deliver again, within the bounds of its resiliency policy, then dead-letter. An event that
    is not of its contract's form is dead-lettered at once. Types without a handler are acknowledged.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[type[Event], Handler]] = {}

    def on(self, kind: type[E], handler: Callable[[E], Awaitable[None]]) -> None:
        self._handlers[kind.type] = (kind, handler)

    async def handle(self, envelope: Mapping[str, Any]) -> None:
        """Give the event in a CloudEvent to its handler. Raises EventUnknown, EventMalformed, and what the handler raises."""
        name = str(envelope.get("type", ""))
        if name not in self._handlers:
            raise EventUnknown(name)
        kind, handler = self._handlers[name]
        try:
            event = kind.model_validate(envelope.get("data"))
        except ValidationError as error:
            raise EventMalformed(name, error) from None
        with about_order(event.partition_key):
            await handler(event)

    def router(self) -> APIRouter:
        """One route a topic of the registered types."""
        router = APIRouter(include_in_schema=False)
        for topic in sorted({kind.topic for kind, _ in self._handlers.values()}):
            router.add_api_route(f"/events/{topic}", self._deliver, methods=["POST"])
        return router

    async def _deliver(self, request: Request) -> dict[str, str]:
        envelope = await request.json()
        try:
            await self.handle(envelope)
        except EventUnknown:
            return {"status": "SUCCESS"}
        except EventMalformed as error:
            log.error("dead-lettered %s: %s", envelope.get("id"), error)
            return {"status": "DROP"}
        return {"status": "SUCCESS"}

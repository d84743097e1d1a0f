"""An app that cannot start yet listens all the same, and says by `/ready` which store it waits for and why."""

import asyncio
import json

from fastapi import FastAPI
from starlette.types import Message

from apps.shared.platform.app import create_app
from apps.shared.platform.settings import ServiceSettings
from apps.shared.platform.sidecar import Sidecar, SidecarError
from apps.shared.platform.state import StateStore


class HealthySidecar(Sidecar):
    async def healthy(self) -> bool:
        return True


class ClosedStore(StateStore):
    """Opens once it is told to."""

    is_there = False

    async def open(self) -> None:
        if not self.is_there:
            raise SidecarError("POST bulk", 500, "ERR_STATE_BULK_GET", "deadline exceeded")


async def ask_ready(app: FastAPI) -> tuple[int, str]:
    """Status and, of a problem, its detail."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/ready",
        "raw_path": b"/ready",
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, send)
    body = json.loads(b"".join(message.get("body", b"") for message in sent))
    return sent[0]["status"], body.get("detail", "")


async def test_a_store_that_does_not_open_is_named_by_ready_with_the_reason() -> None:
    sidecar = HealthySidecar(port=1, token="")
    store = ClosedStore(sidecar, "statestore")
    settings = ServiceSettings(app_id="orders", app_port=8104)
    app = create_app(settings, sidecar=sidecar, routers=[], statuses={}, stores=[store])

    async with app.router.lifespan_context(app), asyncio.timeout(10):
        while (told := await ask_ready(app)) == (503, "Not ready: start-up."):
            await asyncio.sleep(0.01)
        assert told == (503, "Not ready: component statestore: POST bulk: 500 ERR_STATE_BULK_GET deadline exceeded.")
        store.is_there = True
        while (told := await ask_ready(app)) != (200, ""):
            await asyncio.sleep(0.01)

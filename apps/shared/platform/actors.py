"""Calls Dapr actors, and offers an app's own actors to its sidecar."""

import asyncio
from datetime import timedelta
from typing import Any

from dapr.actor import Actor, ActorRuntime
from dapr.actor.runtime.config import ActorRuntimeConfig
from dapr.clients.base import DaprActorClientBase
from dapr.ext.fastapi import DaprActor
from fastapi import APIRouter

from apps.shared.platform.sidecar import Answer, Sidecar

IDLE_TIMEOUT = timedelta(minutes=5)
"""How long an actor that nobody calls stays in memory; the SDK's own hour keeps everyone who came by."""


class Actors:
    """Actors of one type, each called by its id, one turn at a time."""

    def __init__(self, sidecar: Sidecar, actor_type: str) -> None:
        self._sidecar, self._actor_type = sidecar, actor_type

    async def call(self, actor_id: str, method: str, argument: dict[str, Any]) -> Any:
        """One turn of one actor; what its method returns. It may run more than once. Raises SidecarError."""
        path = f"/v1.0/actors/{self._actor_type}/{actor_id}/method/{method}"
        return await self._sidecar.call("POST", path, json=argument)


def actor_router(kind: type[Actor], sidecar: Sidecar) -> APIRouter:
    """The routes by which the sidecar calls actors of `kind`.

    The sidecar asks once, when the app begins to listen, which actors there are; the type is registered by then.
    """
    ActorRuntime.set_actor_config(ActorRuntimeConfig(actor_idle_timeout=IDLE_TIMEOUT))
    asyncio.run(ActorRuntime.register_actor(kind, actor_client=_SidecarActorClient(sidecar)))
    router = APIRouter(include_in_schema=False)
    DaprActor(router)  # type: ignore[arg-type]  # of an app it uses include_router alone
    return router


class _SidecarActorClient(DaprActorClientBase):
    """What an actor asks of its sidecar, over the app's own pool; the SDK's client blocks the app until a sidecar is there."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def invoke_method(self, actor_type: str, actor_id: str, method: str, data: bytes | None = None) -> bytes:
        return (await self._exchange("POST", f"{actor_type}/{actor_id}/method/{method}", data)).body

    async def save_state_transactionally(self, actor_type: str, actor_id: str, data: bytes) -> None:
        await self._exchange("POST", f"{actor_type}/{actor_id}/state", data)

    async def get_state(self, actor_type: str, actor_id: str, name: str) -> bytes:
        return (await self._exchange("GET", f"{actor_type}/{actor_id}/state/{name}")).body

    async def register_reminder(self, actor_type: str, actor_id: str, name: str, data: bytes) -> None:
        await self._exchange("POST", f"{actor_type}/{actor_id}/reminders/{name}", data)

    async def unregister_reminder(self, actor_type: str, actor_id: str, name: str) -> None:
        await self._exchange("DELETE", f"{actor_type}/{actor_id}/reminders/{name}")

    async def register_timer(self, actor_type: str, actor_id: str, name: str, data: bytes) -> None:
        await self._exchange("POST", f"{actor_type}/{actor_id}/timers/{name}", data)

    async def unregister_timer(self, actor_type: str, actor_id: str, name: str) -> None:
        await self._exchange("DELETE", f"{actor_type}/{actor_id}/timers/{name}")

    async def _exchange(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"content-type": "application/json"}
        answer = await self._sidecar.request(method, f"/v1.0/actors/{path}", body=body, headers=headers)
        return answer.checked(f"{method} actors/{path}")

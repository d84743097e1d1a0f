"""An app with nothing to do, for the shop that is the measure: bare routes, activities and an actor without a business behind them.

It has the same app ids, sidecars, stores, certificates and policies as the real ones, so that what differs is Plaza itself.
"""

import os
from abc import abstractmethod
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from dapr.actor import Actor, ActorInterface, actormethod
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, WorkflowRuntime
from dapr.ext.workflow.aio import DaprWorkflowClient
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from apps.shared.platform.actors import actor_router
from apps.shared.platform.settings import ServiceSettings
from apps.shared.platform.sidecar import Sidecar
from workflows.checkout.plan import CHECKOUT

NOOP = "noop"
ACTOR_TYPE = "BenchActor"
ANSWER = {"id": "prd_0", "text": "x" * 400}
"""As large as a product."""

WAIT_SECONDS = 60


class BenchActorInterface(ActorInterface):
    @actormethod(name="put")  # type: ignore[untyped-decorator]
    @abstractmethod
    async def put(self, message: dict[str, Any]) -> dict[str, Any]: ...


class BenchActor(Actor, BenchActorInterface):
    """Reads its state, changes it and saves it."""

    async def put(self, message: dict[str, Any]) -> dict[str, Any]:
        _, held = await self._state_manager.try_get_state("held")
        await self._state_manager.set_state("held", {**(held or {}), **message})
        await self._state_manager.save_state()
        return message


def noop(ctx: DaprWorkflowContext, order_id: str) -> Generator[Any, Any, str]:
    """As many activities as an order that is paid, in the same apps."""
    for step in CHECKOUT:
        yield ctx.call_activity(step.activity, input=order_id, app_id=step.app_id)
    return "done"


def build_app(settings: ServiceSettings) -> FastAPI:
    """What of it a sidecar calls depends on the app id alone."""
    app_id, sidecar = settings.app_id, settings.sidecar()
    runtime = _runtime(app_id)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        if runtime is not None and app.state.started:
            runtime.shutdown()  # type: ignore[no-untyped-call]
        await sidecar.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None, telemetry={"metrics": False, "logs": False, "tracing": False})
    app.state.started = False

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        if not await sidecar.healthy():
            return JSONResponse({}, 503)
        if runtime is not None and not app.state.started:
            runtime.start()  # type: ignore[no-untyped-call]
            app.state.started = True
        return JSONResponse({})

    @app.get("/api/v1/bench")
    async def bare() -> dict[str, str]:
        return ANSWER

    _add_calls(app, sidecar)
    if app_id == "carts":
        app.include_router(actor_router(BenchActor, sidecar))
    if app_id == "checkout":
        _add_workflows(app)
    return app


def _runtime(app_id: str) -> WorkflowRuntime | None:
    steps = {step.activity for step in CHECKOUT if step.app_id == app_id}
    if not steps and app_id != "checkout":
        return None
    runtime = WorkflowRuntime()

    for name in steps:

        async def activity(_: WorkflowActivityContext, order_id: str) -> str:
            return order_id

        runtime.register_activity(activity, name=name)
    if app_id == "checkout":
        runtime.register_workflow(noop, name=NOOP)
    return runtime


def _add_calls(app: FastAPI, sidecar: Sidecar) -> None:
    @app.get("/bench/invoke")
    async def invoke() -> JSONResponse:
        answer = await sidecar.request("GET", "/v1.0/invoke/catalog/method/api/v1/bench")
        return JSONResponse(answer.json(), answer.status)

    @app.get("/bench/direct/{port}")
    async def direct(port: int) -> JSONResponse:
        if not hasattr(app.state, "peer"):
            app.state.peer = Sidecar(port=port, token="")
        answer = await app.state.peer.request("GET", "/api/v1/bench")
        return JSONResponse(answer.json(), answer.status)

    @app.post("/bench/actors/{actor_id}")
    async def call_actor(actor_id: str, request: Request) -> JSONResponse:
        path = f"/v1.0/actors/{ACTOR_TYPE}/{actor_id}/method/put"
        return JSONResponse(await sidecar.call("POST", path, json=await request.json()))


def _add_workflows(app: FastAPI) -> None:
    clients: list[DaprWorkflowClient] = []

    @app.post("/bench/workflows/{instance_id}")
    async def run(instance_id: str) -> dict[str, str]:
        if not clients:
            clients.append(DaprWorkflowClient())
        await clients[0].schedule_new_workflow(NOOP, input=instance_id, instance_id=instance_id)
        state = await clients[0].wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
        return {"status": state.runtime_status.name if state else "none"}


if __name__ == "__main__":
    settings = ServiceSettings(app_id=os.environ["APP_ID"])
    uvicorn.run(build_app(settings), host=settings.app_host, port=settings.app_port, log_level="warning")

"""Makes a FastAPI app with what every service has: problems, telemetry, probes, the app token, and a tidy start and stop."""

import asyncio
import hmac
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from apps.shared.platform import problems, telemetry
from apps.shared.platform.jobs import Job
from apps.shared.platform.settings import ServiceSettings
from apps.shared.platform.sidecar import Sidecar, SidecarError
from apps.shared.platform.state import StateStore
from apps.shared.platform.watch import Watch, WatchedWorker

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/health", "/ready", "/metrics"})


class Worker(WatchedWorker, Protocol):
    """What an app asks of its workflow worker. Apps without one are spared the SDK's: a fifth of their start, and 15 MB each."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def create_app(
    settings: ServiceSettings,
    *,
    sidecar: Sidecar,
    routers: Sequence[APIRouter],
    statuses: Mapping[type[Exception], int],
    stores: Sequence[StateStore],
    worker: Worker | None = None,
    jobs: Sequence[Job] = (),
    on_start: Sequence[Callable[[], Awaitable[None]]] = (),
    on_stop: Sequence[Callable[[], Awaitable[None]]] = (),
    only_sidecar: bool = True,
) -> FastAPI:
    """The app of one service.

    `statuses` is the service's one table from its errors to HTTP; `stores` are those in which it makes transactions. `on_start`
    runs in the background, in order, once the sidecar is there, so that the app listens at once; until all has run `/ready` is 503, with
    the reason where it is a store.
    `only_sidecar` refuses requests that lack the app token.
    """
    starting: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    def tell(waits_for: str) -> None:
        starting[:] = [waits_for]

    async def start() -> None:
        await sidecar.wait_until_healthy()
        for store in stores:
            await _until_done(store.open, lambda error, name=store.name: tell(f"component {name}: {error}"))  # type: ignore[misc]
        tell("start-up")
        if worker is not None:
            await worker.start()
            tasks.append(asyncio.create_task(Watch(sidecar, worker, service=settings.app_id).run()))
        for job in jobs:
            await _until_done(lambda job=job: job.register(sidecar))  # type: ignore[misc]
        for step in on_start:
            await _until_done(step)
        starting.clear()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        telemetry.configure(settings.app_id, settings.log_level)
        tell("start-up")
        tasks.append(asyncio.create_task(start()))
        yield
        for task in tasks:
            task.cancel()
        for step in on_stop:
            await step()
        if worker is not None:
            await worker.stop()
        await sidecar.close()

    app = FastAPI(
        title=settings.app_id,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry={"metrics": False, "logs": False, "operation_spans": False, "exclude": telemetry.is_quiet},
    )
    problems.install(app, statuses)
    if only_sidecar:
        app.add_middleware(AppTokenMiddleware, token=settings.app_api_token.get_secret_value())
    app.add_middleware(problems.FaultMiddleware, through_sidecar=only_sidecar)
    app.add_middleware(telemetry.AccessMiddleware, service=settings.app_id)

    async def health() -> dict[str, str]:
        return {"status": "ok"}

    async def ready(request: Request) -> JSONResponse:
        missing = list(starting) + ([] if await sidecar.healthy() else ["sidecar"])
        if missing:
            return problems.problem_response(request, 503, f"Not ready: {', '.join(missing)}.")
        return JSONResponse({"status": "ok"})

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/health", health, include_in_schema=False)
    app.add_api_route("/ready", ready, include_in_schema=False)
    app.add_api_route("/metrics", metrics, include_in_schema=False)
    for router in [*routers, *(job.router() for job in jobs)]:
        app.include_router(router)
    return app


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Run `app` until SIGTERM or SIGINT; requests under way get 5 seconds to end.

    Raises SystemExit without an app token: whoever reached the port could then speak for anyone.
    """
    if not settings.app_api_token.get_secret_value():
        raise SystemExit(
            f"{settings.app_id}: APP_API_TOKEN is not set; load the shop's environment (. .plaza/env) first"
        )
    uvicorn.run(
        app,
        host=settings.app_host,
        port=settings.app_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
        forwarded_allow_ips=os.environ.get(
            "FORWARDED_ALLOW_IPS", ""
        ),  # uvicorn would believe any local client's X-Forwarded-For
    )


class AppTokenMiddleware:
    """Answers 401 to whoever does not show the token that Dapr gives an app's own sidecar (`APP_API_TOKEN`)."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._token and scope["path"] not in OPEN_PATHS:
            shown = Headers(scope=scope).get("dapr-api-token", "")
            if not hmac.compare_digest(shown.encode(), self._token.encode()):
                response = problems.problem_response(Request(scope), 401, "This service answers its sidecar only.")
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _until_done(
    step: Callable[[], Awaitable[None]], on_failure: Callable[[Exception], None] = lambda _: None
) -> None:
    """Run a start-up step until it works: what it needs may come up after this service."""
    while True:
        try:
            await step()
            return
        except Exception as error:
            log.warning("start-up step failed, trying again: %s", error, exc_info=not isinstance(error, SidecarError))
            on_failure(error)
            await asyncio.sleep(1)

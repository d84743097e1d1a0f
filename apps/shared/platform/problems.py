"""Every error leaves a service as RFC 9457 `application/problem+json`, the same shape for ours and FastAPI's own."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.shared.platform.sidecar import BODY_LENGTH_HEADER, SidecarError
from apps.shared.platform.state import StateConflict

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "1"


class FieldProblem(BaseModel):
    """One reason of a 422: where (`body.lines.0.quantity`) and what."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details. `type` is `about:blank` or `/problems/<kebab-case name>`, stable for programs to compare."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | None = None


def problem_response(
    request: Request,
    status: int,
    detail: str,
    *,
    type_: str = "about:blank",
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem answer about `request`; `status` must be a registered HTTP status."""
    title = HTTPStatus(status).phrase
    problem = Problem(type=type_, title=title, status=status, detail=detail, instance=request.url.path, errors=errors)
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def problem_type(error: type[Exception]) -> str:
    """`StockExhausted` → `/problems/stock-exhausted`."""
    name = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in error.__name__)
    return f"/problems/{name.lstrip('-')}"


def install(app: FastAPI, statuses: Mapping[type[Exception], int]) -> None:
    """Turn exceptions into problems. `statuses` maps a service's own errors; their text becomes the detail.

    An error with an attribute `retry_after_seconds` is answered with `Retry-After`.
    """

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = [FieldProblem(field=".".join(map(str, item["loc"])), message=item["msg"]) for item in error.errors()]
        return problem_response(request, 422, "The request does not have the expected form.", errors=errors)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem_response(request, error.status_code, str(error.detail), headers=error.headers)

    async def on_own(request: Request, error: Exception) -> JSONResponse:
        status = next(statuses[kind] for kind in type(error).__mro__ if kind in statuses)
        wait_seconds = getattr(error, "retry_after_seconds", None)
        headers = {} if wait_seconds is None else {"retry-after": str(wait_seconds)}
        return problem_response(request, status, str(error), type_=problem_type(type(error)), headers=headers)

    async def on_unavailable(request: Request, error: Exception) -> JSONResponse:
        log.warning("answered 503: %s", error)
        detail = "A part of the shop does not answer right now. Try again in a moment."
        return problem_response(request, 503, detail, headers={"retry-after": RETRY_AFTER_SECONDS})

    handlers: dict[Any, Any] = {
        RequestValidationError: on_validation,
        HTTPException: on_http,
        SidecarError: on_unavailable,
        StateConflict: on_unavailable,
        TimeoutError: on_unavailable,
        **dict.fromkeys(statuses, on_own),
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


LENGTH_HEADER = BODY_LENGTH_HEADER.encode()


class FaultMiddleware:
    """Answers 500 for what nobody handles, and lets none of it reach the server.

    Starlette's own last resort answers and raises again, whereupon uvicorn closes a connection that daprd goes on to use for others.
    An answer that has begun cannot be mended: it ends where it is, and with it the connection. So that its reader notices, an answer
    that a sidecar is to carry (`through_sidecar`) says how long it is in a header of ours: daprd drops Content-Length, and passes on as
    whole what an app that died has left (dapr 1.18.2, pkg/channel/http).
    """

    def __init__(self, app: ASGIApp, *, through_sidecar: bool = False) -> None:
        self._app, self._through_sidecar = app, through_sidecar

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            if self._through_sidecar and message["type"] == "http.response.start":
                told = [value for name, value in message["headers"] if name == b"content-length"]
                message = {**message, "headers": [*message["headers"], *((LENGTH_HEADER, value) for value in told)]}
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            log.exception("unhandled error")
            if not started:
                answer = problem_response(Request(scope), 500, "Something went wrong on our side.")
                await answer(scope, receive, send)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI `responses=` for the problems that an operation may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content, "model": Problem} for status in statuses
    }

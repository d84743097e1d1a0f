"""Gives every answer, errors included, what a client may count on: a request id, the trace, and the headers that are always there."""

import logging
import re
import uuid
from typing import Any

from fastapi import Request
from opentelemetry import propagate
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.shared.platform import problems

log = logging.getLogger(__name__)

REQUEST_ID_HEADER = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUERY = re.compile(rb"[\x21-\x7e]*")
_NOTES = "plaza.answer_headers"


def note(request: Request, headers: dict[str, str]) -> None:
    """Have the answer to `request` carry `headers`, whether it becomes a success or a problem."""
    request.scope[_NOTES].update(headers)


class EdgeMiddleware:
    """The outermost layer: `X-Request-Id` in and out, `traceparent` out, `nosniff`, no caching of sign-in answers, no bare 500.

    A query string that is not printable ASCII is refused, as nothing behind can read it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        MutableHeaders(scope=scope)[REQUEST_ID_HEADER] = request_id
        scope[_NOTES] = notes = {REQUEST_ID_HEADER: request_id, "x-content-type-options": "nosniff"}
        if scope["path"].startswith("/auth/"):
            notes["cache-control"] = "no-store"
        trace: dict[str, Any] = {}
        propagate.inject(trace)
        if "traceparent" in trace:
            notes["traceparent"] = trace["traceparent"]
        started = False
        readable = _QUERY.fullmatch(scope["query_string"]) is not None
        if not readable:
            scope["query_string"] = b""

        async def send_noted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(notes)
            await send(message)

        if not readable:
            refusal = problems.problem_response(Request(scope), 400, "The query string has to be percent-encoded.")
            await refusal(scope, receive, send_noted)
            return
        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            if started:
                raise
            log.exception("unhandled error")
            answer = problems.problem_response(Request(scope), 500, "Something went wrong on our side.")
            await answer(scope, receive, send_noted)

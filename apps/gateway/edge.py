"""Gives every answer, errors included, what a client may count on: a request id, the trace, and the headers that are always there."""

import re
import uuid
from typing import Any

from fastapi import Request, Response
from opentelemetry import propagate
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.gateway.bodies import CARD_REFUSED, url_holds_card_number
from apps.shared.card_numbers import holds_card_number
from apps.shared.platform import problems

REQUEST_ID_HEADER = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUERY = re.compile(rb"[\x21-\x7e]*")
_NOTES = "plaza.answer_headers"


def note(request: Request, headers: dict[str, str]) -> None:
    """Have the answer to `request` carry `headers`, whether it becomes a success or a problem."""
    request.scope[_NOTES].update(headers)


class EdgeMiddleware:
    """The outermost layer: `X-Request-Id` in and out, `traceparent` out, `nosniff`, no caching of sign-in answers.

    A query string that is not printable ASCII is refused, as nothing behind can read it, and a URL with a card number in it, which
    would end up in traces.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        is_good = _REQUEST_ID.fullmatch(given) and not holds_card_number(given)
        request_id = given if is_good else uuid.uuid4().hex
        MutableHeaders(scope=scope)[REQUEST_ID_HEADER] = request_id
        scope[_NOTES] = notes = {REQUEST_ID_HEADER: request_id, "x-content-type-options": "nosniff"}
        if scope["path"].startswith("/auth/"):
            notes["cache-control"] = "no-store"
        trace: dict[str, Any] = {}
        propagate.inject(trace)
        if "traceparent" in trace:
            notes["traceparent"] = trace["traceparent"]

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(notes)
            await send(message)

        refusal = _refusal(scope)
        await (refusal or self._app)(scope, receive, send_noted)


def _refusal(scope: Scope) -> Response | None:
    """The answer to a request whose URL may go no further; it shows nothing of it."""
    if not _QUERY.fullmatch(scope["query_string"]):
        return problems.problem_response(
            Request({**scope, "query_string": b""}), 400, "The query string has to be percent-encoded."
        )
    if url_holds_card_number(scope["path"], scope["query_string"]):
        return problems.problem_response(Request({**scope, "path": "/", "query_string": b""}), 422, CARD_REFUSED)
    return None

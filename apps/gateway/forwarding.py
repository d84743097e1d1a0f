"""Carries a request to the service that owns it and the answer back, letting through only what either side is meant to see."""

import re
from collections.abc import Mapping

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from apps.gateway.routing import Row
from apps.gateway.tokens import Identity
from apps.shared.platform.identity import ROLE_HEADER, USER_ID_HEADER
from apps.shared.platform.problems import MEDIA_TYPE
from apps.shared.platform.sidecar import Answer, Sidecar, SidecarError

REQUEST_HEADERS = (
    "content-type",
    "accept",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-cart-id",
    "last-event-id",
    "x-request-id",
)
ANSWER_HEADERS = (
    "content-type",
    "etag",
    "location",
    "x-cart-id",
    "retry-after",
    "cache-control",
    "www-authenticate",
)
_PATH_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,200}")


class Forwarder:
    """Sends requests to services through the sidecar, under the identity that the gateway has verified."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def forward(self, row: Row, request: Request, identity: Identity, body: bytes) -> Response:
        """The service's answer to `request`. Raises as `ask`, `relayed` and `service_path`."""
        query = request.scope["query_string"].decode("ascii")
        headers = {name: request.headers[name] for name in REQUEST_HEADERS if name in request.headers}
        path = service_path(row.path, request.path_params)
        return relayed(await self.ask(row.method, row.app_id, path, identity, headers=headers, body=body, query=query))

    async def ask(
        self,
        method: str,
        app_id: str,
        path: str,
        identity: Identity,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        query: str = "",
    ) -> Answer:
        """What the service answers; its problems are answers. Raises SidecarError when it did not answer itself, or broke down."""
        answer = await self._sidecar.request(
            method,
            f"/v1.0/invoke/{app_id}/method{path}",
            body=body or None,
            headers={**headers, USER_ID_HEADER: identity.user_id, ROLE_HEADER: identity.role},
            raw_query=query,
        )
        if answer.status >= 400 and not _is_problem(answer):
            code, message = answer.dapr_error()
            if code or answer.status >= 500:
                raise SidecarError(f"{method} {app_id}{path}", answer.status, code, message)
        return answer


def service_path(template: str, values: Mapping[str, str]) -> str:
    """`template` filled in. Raises HTTPException 404 for a value that no id or SKU has, such as `..` or an encoded slash."""
    if any(value in (".", "..") or not _PATH_VALUE.fullmatch(value) for value in values.values()):
        raise HTTPException(404)
    return template.format(**values)


def relayed(answer: Answer) -> Response:
    """The answer of a service as the client may see it. Raises HTTPException for an error that is no problem document."""
    if answer.status >= 400 and not _is_problem(answer):
        raise HTTPException(answer.status)
    seen = {name.lower(): value for name, value in answer.headers.items()}
    shown = {name: seen[name] for name in ANSWER_HEADERS if name in seen}
    if answer.status == 401:
        shown.setdefault("www-authenticate", "Bearer")  # RFC 9110, 11.6.1
    return Response(answer.body, answer.status, shown)


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """The body of `request`, counted as it comes in. Raises HTTPException 413 once it is longer than `limit_bytes`."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit_bytes:
                raise HTTPException(413, f"The body may have at most {limit_bytes} bytes.", {"connection": "close"})
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise HTTPException(400, "The request ended before its body did.") from error
    return b"".join(chunks)


def _is_problem(answer: Answer) -> bool:
    given = next((value for name, value in answer.headers.items() if name.lower() == "content-type"), "")
    return given.partition(";")[0].strip().lower() == MEDIA_TYPE

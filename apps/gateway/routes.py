"""Makes each row of the routing table a route of the framework, so that matching, 404 and 405 are the framework's."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from apps.gateway.bodies import read_json
from apps.gateway.forwarding import Forwarder, read_body, relayed, service_path
from apps.gateway.guard import Guard
from apps.gateway.pages import Pages
from apps.gateway.routing import EVENTS, FORWARDED, PRODUCT, ROWS, Rate, Row
from apps.gateway.streaming import OrderProgress, order_events
from apps.shared.platform.etags import matches
from apps.shared.platform.problems import documented
from apps.shared.platform.sidecar import Answer

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
UNBUFFERED = {"cache-control": "no-store", "x-accel-buffering": "no"}


class EventStream(StreamingResponse):
    """Server-Sent Events (WHATWG HTML, 9.2)."""

    media_type = "text/event-stream"


def build_router(guard: Guard, forwarder: Forwarder, pages: Pages, *, max_body_bytes: int) -> APIRouter:
    router = APIRouter()

    @router.get(PRODUCT.path, include_in_schema=False)
    async def product_page(request: Request) -> Response:
        identity = await guard.admit(request, PRODUCT)
        page = await pages.find(request.path_params["product_id"])
        if page is None:
            return await forwarder.forward(PRODUCT, request, identity, b"")
        headers = {"etag": page.etag}
        if matches(request.headers.get("if-none-match", ""), page.etag):
            return Response(status_code=304, headers=headers)
        return Response(page.body, headers=headers, media_type="application/json")

    def forwarding(row: Row) -> Callable[[Request], Awaitable[Response]]:
        async def forward(request: Request) -> Response:
            identity = await guard.admit(request, row)
            body = await read_body(request, limit_bytes=max_body_bytes) if row.takes_body else b""
            decoded = read_json(body, request.headers.get("content-type", ""))
            if row.rate is Rate.LOGIN:
                guard.count_login(request, decoded)
            return await forwarder.forward(row, request, identity, body)

        return forward

    for row in FORWARDED:
        if row is PRODUCT:
            continue
        router.add_api_route(row.path, forwarding(row), methods=[row.method], include_in_schema=False)

    @router.get(
        EVENTS.path,
        operation_id="streamOrderEvents",
        tags=["orders"],
        response_class=EventStream,
        responses={
            204: {"description": "The client has seen the final state: do not connect again"},
            **documented(404),
        },
    )
    async def events(
        order_id: str,
        request: Request,
        last_event_id: Annotated[
            str, Header(description="Status of the last event seen; what it names is skipped")
        ] = "",
    ) -> Response:
        """Follow an order: one `status` event per entry of its timeline, with `id` the status and `data`
        `{"order_id", "status", "at", "failure"?}`. Ends when the order stands at `paid`, `cancelled` or `delivered`, or after 15 minutes.
        """
        identity = await guard.admit(request, EVENTS)
        path = service_path("/api/v1/orders/{order_id}", {"order_id": order_id})

        async def poll(etag: str) -> Answer:
            headers = {"if-none-match": etag} if etag else {}
            return await forwarder.ask("GET", EVENTS.app_id, path, identity, headers=headers)

        first = await poll("")
        if first.status != 200:
            return relayed(first)
        progress = OrderProgress(last_event_id)
        if not progress.news(first.json()) and progress.ended:
            return Response(status_code=204)
        return EventStream(order_events(first, poll, OrderProgress(last_event_id)), headers=UNBUFFERED)

    for path in dict.fromkeys(row.path for row in ROWS):
        allowed = sorted(row.method for row in ROWS if row.path == path)
        others = [method for method in METHODS if method not in allowed]
        router.add_api_route(path, _refusing(allowed), methods=others, include_in_schema=False)
    return router


def _refusing(allowed: list[str]) -> Callable[[], Awaitable[None]]:
    """A 405 that names every method of the path (RFC 9110, 15.5.6), of which the framework's own knows one route's."""

    async def refuse() -> None:
        raise HTTPException(405, headers={"allow": ", ".join(allowed)})

    return refuse

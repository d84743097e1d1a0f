"""Logs, metrics and traces, the same in every service: JSON lines with trace and order ids, Prometheus, OpenTelemetry."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.shared.card_numbers import holds_card_number

order_id_var: ContextVar[str] = ContextVar("order_id", default="")
request_id_var: ContextVar[str] = ContextVar("request_id", default="")

REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["service", "method", "endpoint", "status"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time to answer an HTTP request",
    ["service", "method", "endpoint"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
UNMATCHED = "unmatched"
REDACTED = "REDACTED"
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET_PATHS = frozenset({"/health", "/healthz", "/ready", "/metrics", "/dapr/config", "/dapr/subscribe"})

log = logging.getLogger("apps.access")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, service, logger, message, and the trace, request and order ids in force."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"], line["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        for name, variable in (("order_id", order_id_var), ("request_id", request_id_var)):
            if value := variable.get():
                line[name] = value
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def configure(service: str, level: str) -> None:
    """Set up this process's logs and traces. Spans are exported over OTLP/HTTP only when an endpoint is set in the environment."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    provider.add_span_processor(UrlRedaction())
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


class UrlRedaction(SpanProcessor):
    """Keeps what people type into URLs out of traces: every query string, and a path with a card number in it."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        attributes = span.attributes or {}
        if "url.query" in attributes:
            span.set_attribute("url.query", REDACTED)
        if holds_card_number(str(attributes.get("url.path", ""))):
            span.set_attribute("url.path", REDACTED)


@contextmanager
def about_order(order_id: str) -> Iterator[None]:
    """Log lines and the current span inside the block carry `order_id`."""
    token = order_id_var.set(order_id)
    trace.get_current_span().set_attribute("plaza.order_id", order_id)
    try:
        yield
    finally:
        order_id_var.reset(token)


class AccessMiddleware:
    """Counts, times and logs each HTTP request under its route template, never its raw path."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = request_id_var.set(Headers(scope=scope).get("x-request-id", ""))
        try:
            await self._app(scope, receive, note_status)
        finally:
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in _KNOWN_METHODS else "OTHER"
            endpoint = route_template(scope)
            REQUESTS.labels(self._service, method, endpoint, str(status)).inc()
            DURATION.labels(self._service, method, endpoint).observe(seconds)
            if not is_quiet(scope):
                fields = {
                    "method": method,
                    "endpoint": endpoint,
                    "status": status,
                    "duration_ms": round(seconds * 1000, 1),
                }
                log.info("%s %s %s", method, endpoint, status, extra={"fields": fields})
            request_id_var.reset(token)


def is_quiet(scope: Scope) -> bool:
    """Whether a request is a probe, a scrape or daprd's own look-up: counted, but neither logged nor traced."""
    return scope.get("path") in _QUIET_PATHS


def route_template(scope: Scope) -> str:
    """`/api/v1/orders/{order_id}` of the route that took the request, or one fixed word, so that labels stay few."""
    route = scope.get("route")
    return getattr(route, "path", None) or scope.get("plaza.endpoint") or UNMATCHED

"""Composition root of the gateway: the only app that is reachable from outside."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from apps.gateway.docs import build_docs_router
from apps.gateway.edge import EdgeMiddleware
from apps.gateway.forwarding import REQUEST_HEADERS, Forwarder
from apps.gateway.guard import Guard
from apps.gateway.limits import RateLimiter
from apps.gateway.pages import Pages
from apps.gateway.routes import build_router
from apps.gateway.settings import GatewaySettings
from apps.gateway.tokens import KeyRing, TokenVerifier
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.invocation import Peer
from apps.shared.platform.sidecar import Sidecar

JWKS_PATH = "/v1.0/invoke/users/method/.well-known/jwks.json"
EXPOSED_HEADERS = (
    "ETag",
    "Location",
    "X-Cart-Id",
    "X-Request-Id",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
)


def build_app(settings: GatewaySettings, *, sidecar: Sidecar | None = None) -> FastAPI:
    """The gateway's app; `sidecar` replaces the real one in tests."""
    sidecar = sidecar or settings.sidecar()

    async def fetch_keys() -> Any:
        return await sidecar.call("GET", JWKS_PATH, timeout_seconds=3)

    keys = KeyRing(fetch_keys)
    guard = Guard(
        TokenVerifier(keys),
        standard=RateLimiter(settings.rate_per_minute),
        auth=RateLimiter(settings.auth_rate_per_minute),
    )
    app = create_app(
        settings,
        sidecar=sidecar,
        routers=[
            build_router(
                guard, Forwarder(sidecar), Pages(Peer(sidecar, "catalog")), max_body_bytes=settings.max_body_bytes
            ),
            build_docs_router(settings.openapi_file()),
        ],
        stores=[],
        statuses={},
        on_start=[keys.load],
        only_sidecar=False,
    )
    app.router.redirect_slashes = False
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "traceparent", *REQUEST_HEADERS],
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(EdgeMiddleware)
    return app


if __name__ == "__main__":
    settings = GatewaySettings()
    serve(build_app(settings), settings)

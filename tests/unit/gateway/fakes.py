"""A sidecar that answers from a script and keeps what it was sent, tokens signed by a key of the test, and a bare ASGI client."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from apps.gateway.main import JWKS_PATH, build_app
from apps.gateway.settings import GatewaySettings
from apps.shared.platform.sidecar import Answer, Sidecar, SidecarError

KEY_ID = "key-1"

trace.set_tracer_provider(TracerProvider())


def public_jwk(key: Ed25519PrivateKey, key_id: str = KEY_ID) -> dict[str, Any]:
    document: dict[str, Any] = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**document, "kid": key_id, "use": "sig", "alg": "EdDSA"}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a customer's token; a change to None leaves the claim out."""
    now = int(time.time())
    usual = {
        "iss": "plaza",
        "aud": "plaza",
        "sub": "usr_1",
        "role": "customer",
        "permissions": ["orders:place", "orders:read"],
        "nbf": now,
        "exp": now + 900,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


@dataclass
class Sent:
    """One request that went through the fake sidecar."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes | None


@dataclass
class FakeSidecar(Sidecar):
    """Answers every invocation with `answer` (raised when it is an exception), and the key set of `keys`."""

    keys: list[dict[str, Any]]
    answer: Answer | Exception | Callable[[Sent], Answer] = field(
        default_factory=lambda: Answer(200, {"Content-Type": "application/json"}, b"{}")
    )
    sent: list[Sent] = field(default_factory=list)
    key_fetches: int = 0

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        raw_query: str = "",
        timeout_seconds: float = 10,
    ) -> Answer:
        if path == JWKS_PATH and not headers:
            self.key_fetches += 1
            if not self.keys:
                raise SidecarError("GET keys", 0, "", "users is down")
            return Answer(200, {}, json.dumps({"keys": self.keys}).encode())
        sent = Sent(method, path, raw_query, dict(headers or {}), body)
        self.sent.append(sent)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(sent) if callable(self.answer) else self.answer


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self, status: int) -> dict[str, Any]:
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:500]!r}"
        assert self.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = self.json
        assert problem["status"] == status
        return problem


class Shop:
    """A gateway before a fake sidecar, with the key that its tokens are signed by."""

    def __init__(self, **settings: Any) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.sidecar = FakeSidecar(keys=[public_jwk(self.key)])
        self.app: FastAPI = build_app(GatewaySettings(**settings), sidecar=self.sidecar)

    def token(self, **changes: Any) -> str:
        return jwt.encode(claims(**changes), self.key, algorithm="EdDSA", headers={"kid": KEY_ID})

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        token: str = "",
        body: Sequence[bytes] = (b"",),
        host: str = "203.0.113.9",
        leaves: bool = False,
        **headers: str,
    ) -> Reply:
        """One exchange; header names are written with underscores, `path` decoded as servers hand it over. A body is JSON unless said.

        A client that `leaves` goes away once its request is sent.
        """
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if any(body):
            given.setdefault("content-type", "application/json")
        if token:
            given["authorization"] = f"Bearer {token}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": (host, 4711),
            "server": ("127.0.0.1", 8080),
        }
        chunks = list(body)
        parts: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
            for index, chunk in enumerate(chunks)
        ]
        received: list[Any] = []

        async def receive() -> Any:
            if not parts and not leaves:
                await asyncio.Event().wait()
            return parts.pop(0) if parts else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            received.append(message)

        await self.app(scope, receive, send)
        start = received[0]
        answered = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], answered, b"".join(part.get("body", b"") for part in received[1:]))


def problem_answer(status: int, detail: str = "no") -> Answer:
    body = {"type": "about:blank", "title": "t", "status": status, "detail": detail, "instance": "/x"}
    return Answer(status, {"Content-Type": "application/problem+json"}, json.dumps(body).encode())

"""The one HTTP connection pool from an app to its Dapr sidecar: token, deadline, trace context and errors in one place.

HTTP rather than the SDK's gRPC client for state, events and invocation, because it is as cheap or cheaper (docs/adr/0002).
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from opentelemetry import propagate
from yarl import URL

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_SECONDS = 10.0

BODY_LENGTH_HEADER = "x-body-length"
"""Set by every app of ours (platform/problems.py), looked at here: daprd passes on as whole what an app that died has left."""


class SidecarError(Exception):
    """A call to the sidecar failed: it could not be reached, timed out, or answered with an error.

    `status` is the HTTP status, 0 where there was none; `code` is Dapr's `errorCode`, empty where there was none.
    """

    def __init__(self, action: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{action}: {status or 'no answer'} {code} {message}".rstrip())
        self.status, self.code, self.message = status, code, message


class SidecarAbsent(SidecarError):
    """Nobody listens where the sidecar should be: it has not heard of the call."""


class Sidecar:
    """Calls the sidecar's HTTP API. Use from one event loop; the connection pool opens on first use."""

    def __init__(self, *, port: int, token: str, host: str = "127.0.0.1") -> None:
        self._base = f"http://{host}:{port}"
        self._headers = {"dapr-api-token": token} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        raw_query: str = "",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> "Answer":
        """One HTTP exchange, whatever its status. Raises SidecarError only when there is no answer at all.

        `raw_query` is an encoded query string that is sent byte for byte, with a path that needs no encoding; it excludes `params`.
        """
        url = URL(f"{self._base}{path}?{raw_query}", encoded=True) if raw_query else self._base + path
        sent = {**self._headers, **(headers or {})}
        propagate.inject(sent)
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        try:
            async with self._pool().request(
                method,
                url,
                data=body,
                headers=sent,
                params=params,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                content = await response.read()
                length = response.headers.get(BODY_LENGTH_HEADER)
                # What daprd says itself when the app's connection ends before an answer: 200, no header of ours, nothing.
                said_nothing = length is None and not content and response.status == 200 and "/invoke/" in path
                if said_nothing or (length is not None and int(length) != len(content)):
                    raise SidecarError(f"{method} {path}", 0, "", "the answer broke off")
                return Answer(response.status, dict(response.headers), content)
        except aiohttp.ClientConnectorError as error:
            raise SidecarAbsent(f"{method} {path}", 0, "", str(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SidecarError(f"{method} {path}", 0, "", str(error) or type(error).__name__) from error

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Any:
        """One JSON exchange with a Dapr API; the decoded body, or None when it is empty. Raises SidecarError from status 400 on."""
        headers = {} if json is None else {"content-type": "application/json"}
        body = None if json is None else orjson.dumps(json)
        answer = await self.request(
            method, path, body=body, headers=headers, params=params, timeout_seconds=timeout_seconds
        )
        return answer.checked(f"{method} {path}").json()

    async def healthy(self) -> bool:
        """Whether the sidecar is there and its components are loaded (`/v1.0/healthz/outbound`)."""
        try:
            answer = await self.request("GET", "/v1.0/healthz/outbound", timeout_seconds=2)
        except SidecarError:
            return False
        return answer.status < 300

    async def wait_until_healthy(self, *, interval_seconds: float = 0.25) -> None:
        """Returns once `healthy` holds; waits for ever, since a service without its sidecar has nothing else to do."""
        while not await self.healthy():
            await asyncio.sleep(interval_seconds)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=256, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session


class Answer:
    """Status, headers and body of one exchange."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return orjson.loads(self.body) if self.body else None

    def checked(self, action: str) -> "Answer":
        """This answer. Raises SidecarError about `action` from status 400 on."""
        if self.status >= 400:
            raise SidecarError(action, self.status, *self.dapr_error())
        return self

    def dapr_error(self) -> tuple[str, str]:
        """Dapr's `errorCode` and `message`; empty code and the raw text for anything else."""
        try:
            decoded = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            decoded = None
        if isinstance(decoded, dict) and "errorCode" in decoded:
            return str(decoded["errorCode"]), str(decoded.get("message", ""))
        return "", self.body[:500].decode(errors="replace")

"""A client of the gateway that no outage upsets: it asks again until it is answered, and never longer than it was told to."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

PASSWORD = "correct horse battery staple"  # noqa: S105
ADDRESS = {"name": "Ada Byron", "line1": "1 Long Way", "city": "York", "postal_code": "YO1", "country": "GB"}
ANSWER_SECONDS = 20.0
PAUSE_SECONDS = 0.3
PERSISTENT_SECONDS = 180.0


class Unanswered(Exception):
    """What was asked for did not come about in time; the last answers tell why."""


class Client:
    """One account. `statuses` counts every answer that it got by its status, 0 for none.

    `door` lets few at a time show a password: checking one costs so much that a crowd would time out, come again, and never be through.
    """

    def __init__(self, url: str, *, door: asyncio.Semaphore) -> None:
        self.email = f"storm-{uuid.uuid4().hex[:16]}@plaza.example"
        self.statuses: Counter[int] = Counter()
        self._url, self._token, self._door = url, "", door
        self._credentials = (self.email, PASSWORD)
        self._session = aiohttp.ClientSession()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        patience_seconds: float = ANSWER_SECONDS,
    ) -> tuple[int, Any]:
        """One request; the status and decoded body of its answer, status 0 when there was none within the patience."""
        sent = {**(headers or {}), **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
        timeout = aiohttp.ClientTimeout(total=patience_seconds)
        status, content = 0, None
        try:
            async with self._session.request(
                method, self._url + path, json=body, headers=sent, timeout=timeout
            ) as answer:
                content = await answer.json(content_type=None) if answer.status != 204 else None
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            pass
        self.statuses[status] += 1
        return status, content

    async def insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        until: Collection[int],
        headers: Mapping[str, str] | None = None,
        seconds: float = PERSISTENT_SECONDS,
    ) -> tuple[int, Any]:
        """Ask until the status is one of `until`. For what may be repeated. Raises Unanswered after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            status, content = await self.ask(method, path, body, headers=headers)
            if status in until:
                return status, content
            if loop.time() > deadline:
                raise Unanswered(f"{method} {path}: {status} {content}")
            if status == 401 and self._token:
                await self.log_in()
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def register(self) -> None:
        """Open the account and log in."""
        account = {"email": self.email, "password": PASSWORD, "name": "Ada Byron"}
        async with self._door:
            await self.insist("POST", "/auth/register", account, until={201, 409})
        await self.log_in()

    async def log_in(self, email: str = "", password: str = "") -> None:
        """As oneself, or for good as someone else."""
        if email:
            self._credentials = (email, password)
        self._token = ""
        body = dict(zip(("email", "password"), self._credentials, strict=True))
        async with self._door:
            _, tokens = await self.insist("POST", "/auth/login", body, until={200})
        self._token = tokens["access_token"]

    async def list_orders(self) -> list[dict[str, Any]]:
        """All orders of the account, as they are now."""
        orders: list[dict[str, Any]] = []
        cursor = ""
        while True:
            _, page = await self.insist("GET", f"/api/v1/orders?limit=100{cursor}", until={200})
            orders += page["items"]
            if page["next_cursor"] is None:
                return orders
            cursor = f"&cursor={page['next_cursor']}"

"""The load generator's one HTTP client: pooled connections to loopback, and no answer but the expected one."""

import itertools
from types import TracebackType
from typing import Any, Self

import aiohttp

TIMEOUT_SECONDS = 60


class UnexpectedAnswer(Exception):
    """A figure made of refusals would be none."""


class Http:
    """Keeps its connections; with several base URLs it asks each in turn. Use as an async context manager."""

    def __init__(self, *base_urls: str) -> None:
        self._base_urls = itertools.cycle(base_urls)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            auto_decompress=False,
        )
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
        expect: tuple[int, ...] = (200,),
        bearer: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers (names in lower case). Raises UnexpectedAnswer."""
        sent = {**(headers or {}), **({"authorization": f"Bearer {bearer}"} if bearer else {})}
        async with self._session.request(method, next(self._base_urls) + path, json=body, headers=sent) as answer:
            content = await answer.read()
            if answer.status not in expect:
                raise UnexpectedAnswer(f"{method} {path}: {answer.status} {content[:300].decode(errors='replace')}")
            return answer.status, content, {name.lower(): value for name, value in answer.headers.items()}

"""Trying passwords is slow, by account and by address, and locks out nobody else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.support.client import PASSWORD, Client
from tests.support.second_gateway import second_gateway

A_MINUTE = 5


@pytest.fixture(scope="module")
def slow_gateway(run_json: dict[str, Any]) -> Iterator[str]:
    with second_gateway(run_json, GATEWAY_AUTH_RATE_PER_MINUTE=str(A_MINUTE)) as url:
        yield url


async def login(url: str, email: str, password: str, *, source: str) -> tuple[int, int]:
    """Status, and seconds to wait, of one login from the loopback address `source`."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.post(f"{url}/auth/login", json={"email": email, "password": password}) as answer,
    ):
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        return answer.status, int(answer.headers.get("retry-after", 0))


async def test_one_account_tried_from_many_addresses(slow_gateway: str, shopper: Client, shop_url: str) -> None:
    local, _, domain = shopper.email.partition("@")
    spellings = [shopper.email, shopper.email.upper(), f"{local.title()}@{domain.upper()}"]
    tries = [
        await login(slow_gateway, spellings[n % 3], f"guess number {n}", source=f"127.0.1.{n + 1}") for n in range(9)
    ]
    assert [status for status, _ in tries] == [401] * A_MINUTE + [429] * 4
    assert all(0 < wait <= 60 / A_MINUTE for status, wait in tries if status == 429)
    right = await login(slow_gateway, shopper.email, PASSWORD, source="127.0.1.99")
    assert right[0] == 429, "a right guess must not get through either"
    async with Client(shop_url) as other:
        await other.register()
        assert (await login(slow_gateway, other.email, PASSWORD, source="127.0.1.98"))[0] == 200
    kept = await shopper.call("POST", "/auth/refresh", {"refresh_token": shopper.refresh_token}, token="")
    assert kept.status == 200, "who is logged in stays so"


async def test_many_accounts_tried_from_one_address(slow_gateway: str, shopper: Client) -> None:
    tries = await asyncio.gather(
        *(login(slow_gateway, f"nobody-{n}@plaza.example", "guess", source="127.0.2.1") for n in range(12))
    )
    assert sorted(status for status, _ in tries) == [401] * A_MINUTE + [429] * 7
    assert (await login(slow_gateway, shopper.email, PASSWORD, source="127.0.2.2"))[0] == 200

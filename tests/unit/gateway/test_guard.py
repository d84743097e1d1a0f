"""Rate limits by client and account, and CORS, as clients see them."""

import json
from typing import Any

import pytest

from apps.shared.platform.sidecar import SidecarError
from tests.unit.gateway.fakes import Shop


def login(email: str) -> list[bytes]:
    return [json.dumps({"email": email, "password": "x"}).encode()]


async def test_the_limit_is_exact_and_says_when_to_return() -> None:
    shop = Shop(rate_per_minute=3)
    replies = [await shop.call("GET", "/api/v1/products") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["ratelimit-remaining"] for reply in replies] == ["2", "1", "0", "0"]
    replies[-1].problem(429)
    assert replies[-1].headers["ratelimit-limit"] == "3"
    assert replies[-1].headers["retry-after"] == "20"
    assert len(shop.sidecar.sent) == 3


async def test_users_count_by_themselves_not_by_address() -> None:
    shop = Shop(rate_per_minute=1)
    for user_id in ("usr_1", "usr_2"):
        assert (await shop.call("GET", "/api/v1/products", token=shop.token(sub=user_id))).status == 200
    assert (await shop.call("GET", "/api/v1/products", host="198.51.100.1", token=shop.token())).status == 429
    assert (await shop.call("GET", "/api/v1/products")).status == 200


async def test_refused_tokens_count_against_the_address() -> None:
    shop = Shop(rate_per_minute=2)
    statuses = [(await shop.call("GET", "/api/v1/orders", token="broken")).status for _ in range(3)]
    assert statuses == [401, 401, 429]


async def test_sign_in_is_slower_and_counts_by_address_even_with_a_token() -> None:
    shop = Shop(auth_rate_per_minute=2)
    statuses = [
        (await shop.call("POST", "/auth/register")).status,
        (await shop.call("POST", "/auth/login", token=shop.token(), body=login("a@x.example"))).status,
        (await shop.call("POST", "/auth/login", body=login("b@x.example"))).status,
        (await shop.call("POST", "/auth/refresh")).status,
    ]
    assert statuses == [200, 200, 429, 200]


async def test_one_account_is_guarded_against_many_addresses() -> None:
    shop = Shop(auth_rate_per_minute=2)
    spellings = ["ada@bücher.example", "ADA@xn--bcher-kva.example", "Ada@BÜCHER.example"]
    statuses = [
        (await shop.call("POST", "/auth/login", body=login(email), host=f"198.51.100.{index}")).status
        for index, email in enumerate(spellings)
    ]
    assert statuses == [200, 200, 429]
    assert (await shop.call("POST", "/auth/login", body=login("bob@x.example"), host="198.51.100.9")).status == 200


async def test_a_login_shows_the_limit_of_its_address() -> None:
    shop = Shop(auth_rate_per_minute=5)
    for email, remaining in (("a@x.example", "4"), ("b@x.example", "3")):
        assert (await shop.call("POST", "/auth/login", body=login(email))).headers["ratelimit-remaining"] == remaining


@pytest.mark.parametrize("body", [b"", b"[]", b'{"email": 7}', b'{"email": "nobody"}', b'{"email": " ada@x.example "}'])
async def test_a_login_without_an_address_is_left_to_users(body: bytes) -> None:
    shop = Shop()
    assert (await shop.call("POST", "/auth/login", body=[body])).status == 200
    assert len(shop.sidecar.sent) == 1


async def test_without_keys_a_token_is_a_503_not_a_401() -> None:
    shop = Shop()
    shop.sidecar.keys = []
    (await shop.call("GET", "/api/v1/orders", token=shop.token())).problem(503)
    assert (await shop.call("GET", "/api/v1/products")).status == 200


async def test_a_dead_service_does_not_stop_the_count() -> None:
    shop = Shop(rate_per_minute=1)
    shop.sidecar.answer = SidecarError("GET", 0, "", "down")
    reply = await shop.call("GET", "/api/v1/products")
    reply.problem(503)
    assert (reply.headers["ratelimit-remaining"], reply.headers["retry-after"]) == ("0", "1")


async def test_cors_is_off_unless_origins_are_named() -> None:
    reply = await Shop().call("GET", "/api/v1/products", origin="https://shop.example")
    assert not [name for name in reply.headers if name.startswith("access-control-")]


async def test_cors_for_named_origins() -> None:
    shop = Shop(cors_origins=["https://shop.example"])
    asked: dict[str, Any] = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "idempotency-key,authorization",
    }
    preflight = await shop.call("OPTIONS", "/api/v1/orders", origin="https://shop.example", **asked)
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    assert "x-request-id" in preflight.headers
    refused = await shop.call("OPTIONS", "/api/v1/orders", origin="https://evil.example", **asked)
    assert (refused.status, "access-control-allow-origin" in refused.headers) == (400, False)
    reply = await shop.call("GET", "/api/v1/orders", origin="https://shop.example")
    reply.problem(401)
    assert reply.headers["access-control-expose-headers"] == (
        "ETag, Location, X-Cart-Id, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
    )

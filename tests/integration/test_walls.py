"""The four locks between services, each tried with the wrong key: invocation, saga steps, app and sidecar tokens, secrets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.intruder import Intruder, intruder_sidecar

DENIED_INVOCATIONS = [
    ("carts", "orders", "GET", "internal/payment-instruments/ord_x"),
    ("carts", "orders", "GET", "api/v1/orders/ord_x"),
    ("notifications", "users", "GET", "api/v1/users/usr_x"),
    ("inventory", "orders", "GET", "internal/payment-instruments/ord_x"),
    ("payments", "orders", "GET", "internal/order-standings/ord_x"),
    ("gateway", "users", "GET", "internal/users/usr_x/contact"),
    ("catalog", "carts", "POST", "internal/carts/usr_x/take"),
    ("inventory", "checkout", "POST", "internal/checkouts"),
    ("gateway", "orders", "GET", "internal/payment-instruments/ord_x"),
    ("gateway", "checkout", "POST", "internal/checkouts"),
    ("gateway", "payments", "GET", "anything"),
    ("orders", "gateway", "GET", "health"),
]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.mark.parametrize(("caller", "callee", "method", "path"), DENIED_INVOCATIONS)
async def test_only_named_callers_invoke_named_operations(
    run_json: dict[str, Any],
    api_token: str,
    http: aiohttp.ClientSession,
    caller: str,
    callee: str,
    method: str,
    path: str,
) -> None:
    port = run_json["apps"][caller]["dapr_http_port"]
    url = f"http://127.0.0.1:{port}/v1.0/invoke/{callee}/method/{path}"
    async with http.request(method, url, headers={"dapr-api-token": api_token}, json={}) as response:
        assert response.status == 403
        assert "access control policy has denied access" in await response.text()


@pytest.mark.parametrize(
    "app_id", ["users", "catalog", "carts", "orders", "inventory", "payments", "notifications", "checkout"]
)
async def test_an_app_answers_its_sidecar_alone(
    run_json: dict[str, Any], http: aiohttp.ClientSession, app_id: str
) -> None:
    base = f"http://127.0.0.1:{run_json['apps'][app_id]['app_port']}"
    for path in (
        "/events/orders",
        "/internal/order-standings/x",
        "/actors/CartActor/x/method/get",
        "/job/orders-sweep",
        "/docs",
    ):
        for headers in ({}, {"dapr-api-token": "guess"}):
            async with http.post(base + path, headers=headers) as response:
                assert response.status == 401
                assert response.headers["content-type"] == "application/problem+json"
    for path in ("/health", "/ready", "/metrics"):
        async with http.get(base + path) as response:
            assert response.status == 200


async def test_a_sidecar_answers_its_app_alone(run_json: dict[str, Any], http: aiohttp.ClientSession) -> None:
    for app in run_json["apps"].values():
        async with http.get(f"http://127.0.0.1:{app['dapr_http_port']}/v1.0/metadata") as response:
            assert response.status == 401


@pytest.mark.parametrize(("app_id", "status"), [("users", 200), ("orders", 403), ("gateway", 403)])
async def test_secrets_are_for_those_who_need_them(
    run_json: dict[str, Any], api_token: str, http: aiohttp.ClientSession, app_id: str, status: int
) -> None:
    url = f"http://127.0.0.1:{run_json['apps'][app_id]['dapr_http_port']}/v1.0/secrets/secretstore/token-signing"
    async with http.get(url, headers={"dapr-api-token": api_token}) as response:
        assert response.status == status


async def test_components_are_seen_by_those_who_need_them(
    run_json: dict[str, Any], api_token: str, http: aiohttp.ClientSession
) -> None:
    seen: dict[str, set[str]] = {}
    for app_id, app in run_json["apps"].items():
        url = f"http://127.0.0.1:{app['dapr_http_port']}/v1.0/metadata"
        async with http.get(url, headers={"dapr-api-token": api_token}) as response:
            seen[app_id] = {component["name"] for component in (await response.json())["components"]}
    assert seen == {
        "gateway": {"secretstore"},
        "users": {"secretstore", "private-store"},
        "catalog": {"secretstore", "statestore", "cache"},
        "carts": {"secretstore", "statestore", "pubsub", "dead-letters"},
        "orders": {"secretstore", "statestore", "private-store", "pubsub"},
        "inventory": {"secretstore", "statestore", "pubsub", "dead-letters"},
        "payments": {"secretstore", "statestore", "private-store", "pubsub"},
        "notifications": {"secretstore", "statestore", "pubsub", "dead-letters", "email"},
        "checkout": {"secretstore", "statestore"},
    }


STEPS = [
    ("inventory", "inventory.reserve_stock"),
    ("inventory", "inventory.release_stock"),
    ("orders", "orders.confirm_order"),
    ("orders", "orders.mark_paid"),
    ("orders", "orders.cancel_order"),
    ("payments", "payments.authorize_payment"),
    ("payments", "payments.capture_payment"),
    ("payments", "payments.void_authorization"),
    ("payments", "payments.refund_payment"),
]


@pytest.fixture(scope="module")
def intruder(shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with intruder_sidecar(shop, Path(tmp_path_factory.mktemp("intruder"))) as running:
        yield running


@pytest.mark.parametrize(("app_id", "step"), STEPS)
async def test_no_workflow_but_checkouts_runs_a_saga_step(intruder: Intruder, app_id: str, step: str) -> None:
    outcome = await asyncio.to_thread(intruder.run_step, app_id, step)
    assert outcome.status == "FAILED"
    assert "denied by workflow access policy" in json.dumps(outcome.failure)

"""One whole shop for the tests that need one, started on first use in a temporary home beside any shop that runs already."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.shared.platform.sole_writer import UNGUARDED
from tests.support.client import Client
from tests.support.otlp import SpanReceiver, receive_spans
from tests.support.processes import end_revived
from tests.support.shops import STACK, new_home, running_shop
from tools.local.home import Home
from tools.local.stack import own_servers

SHOP_ENVIRONMENT = {
    "GATEWAY_RATE_PER_MINUTE": "1000000",
    "GATEWAY_AUTH_RATE_PER_MINUTE": "100000",
    "CARTS_GUEST_TTL_SECONDS": "3",
    "ORDERS_SWEEP_SCHEDULE": "@every 5s",
    "ORDERS_SWEEP_GRACE_SECONDS": "40",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_INSECURE": "true",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
}

LEAN_ENVIRONMENT = {name: value for name, value in SHOP_ENVIRONMENT.items() if not name.startswith("OTEL")}
"""For shops whose spans no test reads."""


@dataclass(frozen=True)
class RunningShop:
    """A shop that serves; `run_json` is changed by tests that start an app anew."""

    home: Home
    run_json: dict[str, Any]


@pytest.fixture(scope="session")
def spans() -> Iterator[SpanReceiver]:
    """Receives the spans of the shop, unless it is one that ran before the tests."""
    with receive_spans() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def shop(request: pytest.FixtureRequest, spans: SpanReceiver) -> Iterator[RunningShop]:
    """The shop in the home that PLAZA_TEST_SHOP names, left running, or a new one that ends with the tests."""
    with ExitStack() as stack:
        if running := os.environ.get("PLAZA_TEST_SHOP"):
            home = Home(Path(running).resolve())
        else:
            home = new_home("test")
            environment = {**SHOP_ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": spans.url}
            stack.enter_context(running_shop(request.session, home, environment=environment))
            stack.callback(end_revived)
        yield RunningShop(home, json.loads(home.run_json.read_text()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what the stack under test does not have: a technology to look into, or stores that take several replicas of an app."""
    for item in items:
        for marker in item.iter_markers("looks_into"):
            assert not marker.args, f'{item.nodeid}: name what is looked into as state="etcd"'
            for capability, technology in marker.kwargs.items():
                if getattr(STACK, capability) != technology:
                    item.add_marker(
                        pytest.mark.skip(f"looks into {technology}, which is not this stack's {capability}")
                    )
                elif technology in own_servers():
                    item.add_marker(
                        pytest.mark.skip(f"looks into {technology}, of which the shop does not start its own")
                    )
        for marker in item.iter_markers("replicates"):
            for app_id in marker.args:
                if has_one_writer(app_id):
                    item.add_marker(pytest.mark.skip(f"{STACK.of(app_id).state} takes one replica of {app_id}"))
        for marker in item.iter_markers("has_one_writer"):
            for app_id in marker.args:
                if not has_one_writer(app_id):
                    item.add_marker(pytest.mark.skip(f"{STACK.of(app_id).state} takes many replicas of {app_id}"))


def has_one_writer(app_id: str) -> bool:
    """Whether the store of this app takes one replica of it."""
    return f"state.{STACK.of(app_id).state}" in UNGUARDED


@pytest.fixture(scope="session")
def run_json(shop: RunningShop) -> dict[str, Any]:
    return shop.run_json


@pytest.fixture(scope="session")
def shop_url(run_json: dict[str, Any]) -> str:
    return str(run_json["gateway_url"])


@pytest.fixture(scope="session")
def mail_directory(shop: RunningShop) -> Path:
    """The Maildir into which every mail of the shop falls."""
    return shop.home.mail


@pytest.fixture(scope="session")
def secrets(shop: RunningShop) -> dict[str, Any]:
    """What the shop's own secret store holds."""
    content: dict[str, Any] = json.loads(shop.home.secrets.read_text())
    return content


@pytest.fixture(scope="session")
def api_token(shop: RunningShop) -> str:
    """What a sidecar wants to see from its app."""
    return str(json.loads((shop.home.root / "api-tokens.json").read_text())["DAPR_API_TOKEN"])


@pytest.fixture
async def admin(run_json: dict[str, Any], shop_url: str) -> AsyncIterator[Client]:
    async with Client(shop_url) as client:
        await client.login(run_json["admin"]["email"], run_json["admin"]["password"])
        yield client


@pytest.fixture
async def shopper(shop_url: str) -> AsyncIterator[Client]:
    """A customer whom no other test knows."""
    async with Client(shop_url) as client:
        await client.register()
        yield client

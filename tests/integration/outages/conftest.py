"""A shop of its own that gives an event up after four tries instead of thirteen; it stands in for the other one in all fixtures here."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from apps.shared.platform.publisher import Publisher
from apps.shared.platform.sidecar import Sidecar
from tests.conftest import SHOP_ENVIRONMENT
from tests.support.processes import killed_backend
from tests.support.shops import new_home, running_shop
from tools.local.home import Home
from tools.local.postgres import postgres
from tools.local.variant import vary

TRIES = 4


@pytest.fixture(scope="package")
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """The home of the shop, which serves as long as tests of this directory run; kept when one of them failed."""
    home = new_home("outages")
    source = vary(
        home.root / "project", {"config/resiliency/resiliency.yaml": (r"maxRetries: 12", f"maxRetries: {TRIES - 1}")}
    )
    with running_shop(request.session, home, environment=SHOP_ENVIRONMENT, source=source):
        yield home


@pytest.fixture(scope="package")
def run_json(home: Home) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(home.run_json.read_text())
    return content


@pytest.fixture(scope="package")
def shop_url(run_json: dict[str, Any]) -> str:
    return str(run_json["gateway_url"])


@pytest.fixture(scope="package")
def mail_directory(home: Home) -> Path:
    return home.mail


@pytest.fixture(scope="package")
def api_token(home: Home) -> str:
    return str(json.loads((home.root / "api-tokens.json").read_text())["DAPR_API_TOKEN"])


@pytest.fixture
async def sidecars(run_json: dict[str, Any], api_token: str) -> AsyncIterator[dict[str, Sidecar]]:
    made = {app_id: Sidecar(port=app["dapr_http_port"], token=api_token) for app_id, app in run_json["apps"].items()}
    yield made
    for sidecar in made.values():
        await sidecar.close()


@pytest.fixture
def publisher(sidecars: dict[str, Sidecar]) -> Publisher:
    return Publisher(sidecars["orders"])


def killed_postgres(home: Home, run_json: dict[str, Any]) -> AbstractContextManager[None]:
    """Inside the block there is no database."""
    backend = postgres(home)
    return killed_backend(run_json, "postgres", list(backend.command), backend.is_ready)

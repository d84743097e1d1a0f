"""A shop of its own that gives an event up after four tries instead of thirteen; it stands in for the other one in all fixtures here."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.shared.platform.publisher import Publisher
from apps.shared.platform.sidecar import Sidecar
from tests.conftest import SHOP_ENVIRONMENT
from tests.support.processes import killed_backend
from tools.local.home import PROJECT, Home
from tools.local.ports import find_free_offset
from tools.local.postgres import postgres
from tools.local.run_file import read_run_file
from tools.local.shop import Shop
from tools.local.stopping import delete_home

TRIES = 4
LINKED = (".venv", "apps", "workflows", "docs")
COPIED = ("components", "config")


@pytest.fixture(scope="package")
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """The home of the shop, which serves as long as tests of this directory run; kept when one of them failed."""
    home = Home(Path(tempfile.mkdtemp(prefix="plaza-letters-")))
    failed_before = request.session.testsfailed
    source = _impatient(home.root / "project")
    offset = find_free_offset(read_run_file(source).named_ports)
    with Shop(home, progress=print, port_offset=offset, environment=SHOP_ENVIRONMENT, source=source):
        yield home
    if request.session.testsfailed > failed_before:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            request.config.get_terminal_writer().line(f"\nThe logs of the shop are kept: {home.logs}")
    else:
        delete_home(home)


def _impatient(project: Path) -> Path:
    """The run file of a project like this one but for the bound of the redeliveries."""
    project.mkdir()
    for name in LINKED:
        (project / name).symlink_to(PROJECT / name)
    for name in COPIED:
        shutil.copytree(PROJECT / name, project / name)
    file = project / "config/resiliency/resiliency.yaml"
    policy = yaml.safe_load(file.read_text())
    policy["spec"]["policies"]["retries"]["delivery"]["maxRetries"] = TRIES - 1
    file.write_text(yaml.safe_dump(policy))
    return Path(shutil.copy(PROJECT / "dapr.yaml", project))


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

"""A shop of its own for tests that kill, which heals itself; it stands in for the other one in all fixtures here.

Its apps have fault points (tests/support/faulty.py), which do nothing until a test arms them.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.casualty import Casualties
from tests.support.faulty import CONTROL, Control, write_run_file
from tools.local.home import PROJECT, Home
from tools.local.ports import find_free_offset
from tools.local.processes import ProcessTable
from tools.local.run_file import read_run_file
from tools.local.shop import Shop
from tools.local.stopping import delete_home
from tools.storm.storm import ENVIRONMENT


@pytest.fixture(scope="package")
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """The home of the shop, which serves as long as tests of this directory run; kept when one of them failed."""
    home = Home(Path(tempfile.mkdtemp(prefix="plaza-chaos-")))
    failed_before = request.session.testsfailed
    offset = find_free_offset(read_run_file(PROJECT / "dapr.yaml").named_ports)
    Control(home.root / "faults").create()
    with Shop(
        home,
        progress=print,
        port_offset=offset,
        environment={**ENVIRONMENT, CONTROL: str(home.root / "faults")},
        source=write_run_file(home.root / "faulty"),
        self_healing=True,
    ):
        yield home
    assert ProcessTable(home.root).list_marked() == []
    if request.session.testsfailed > failed_before:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            request.config.get_terminal_writer().line(f"\nThe logs of the shop are kept: {home.logs}")
    else:
        delete_home(home)


@pytest.fixture(scope="package")
def run_json(home: Home) -> dict[str, Any]:
    """As it was at the start: ports and the admin are true for ever, pids are not."""
    content: dict[str, Any] = json.loads(home.run_json.read_text())
    return content


@pytest.fixture(scope="package")
def shop_url(run_json: dict[str, Any]) -> str:
    return str(run_json["gateway_url"])


@pytest.fixture(scope="package")
def casualties(home: Home) -> Casualties:
    return Casualties(home.run_json)


@pytest.fixture(scope="package")
def control(home: Home) -> Control:
    return Control(home.root / "faults")

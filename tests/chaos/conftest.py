"""A shop of its own for tests that kill, which heals itself; it stands in for the other one in all fixtures here.

Its apps have fault points (tests/support/faulty.py), which do nothing until a test arms them.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.casualty import Casualties
from tests.support.faulty import CONTROL, Control, write_run_file
from tests.support.shops import new_home, running_shop
from tools.local.home import Home
from tools.storm.storm import ENVIRONMENT


@pytest.fixture(scope="package")
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """The home of the shop, which serves as long as tests of this directory run; kept when one of them failed."""
    home = new_home("chaos")
    Control(home.root / "faults").create()
    environment = {**ENVIRONMENT, CONTROL: str(home.root / "faults")}
    source = write_run_file(home.root / "faulty")
    with running_shop(request.session, home, environment=environment, source=source, self_healing=True):
        yield home


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

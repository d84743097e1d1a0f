"""What several modules ask for. Keeps warnings errors here too, although Dapr's workflow worker (dapr-ext-workflow 1.18.3) never closes the
event loop of its thread.
"""

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.workflows import Workflows


@pytest.fixture(scope="module", autouse=True)
def _workers_loops() -> Iterator[None]:
    """Collects them once the module's own fixtures are over, so that no later test is blamed."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def workflows(run_json: dict[str, Any], api_token: str) -> Workflows:
    return Workflows(run_json, api_token)

"""Keeps warnings errors here too, although Dapr's workflow worker never closes the event loop of its thread (dapr-ext-workflow 1.18.3)."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _workers_loops() -> Iterator[None]:
    """Collects them once the module's own fixtures are over, so that no later test is blamed."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()

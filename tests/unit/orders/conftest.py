"""A new room for each test."""

import pytest

from tests.unit.orders.room import Room


@pytest.fixture
def room() -> Room:
    return Room()

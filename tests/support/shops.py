"""Starts a shop for tests, on the stack that PLAZA_STACK names (`PUBSUB=kafka …`), and keeps its logs when one of them failed."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.local.home import PROJECT, Home
from tools.local.processes import ProcessTable
from tools.local.run_file import chosen_stack, offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home

WORDS = tuple(os.environ.get("PLAZA_STACK", "").split())
STACK = chosen_stack(PROJECT / "dapr.yaml", WORDS)


def new_home(kind: str) -> Home:
    return Home(Path(tempfile.mkdtemp(prefix=f"plaza-{kind}-")))


@contextmanager
def running_shop(
    session: pytest.Session,
    home: Home,
    *,
    environment: Mapping[str, str],
    source: Path = PROJECT / "dapr.yaml",
    self_healing: bool = False,
) -> Iterator[None]:
    """Inside the block the shop serves; after it no process of it is left."""
    failed_before = session.testsfailed
    offset = offset_of_another_shop()
    with Shop(
        home,
        progress=print,
        port_offset=offset,
        environment=environment,
        source=source,
        self_healing=self_healing,
        words=WORDS,
    ):
        yield
    assert ProcessTable(home.root).list_marked() == []
    if session.testsfailed > failed_before:
        with session.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            session.config.get_terminal_writer().line(f"\nThe logs of the shop are kept: {home.logs}")
    else:
        delete_home(home)

"""What the soak measures: rate and CPU between two marks, a mark a tenth, and the CPU of processes that have no mark of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import eventually
from tools.bench.usage import KINDS, cpu_seconds
from tools.local.processes import ProcessTable, stop
from tools.soak import Mark, Progress, cpu_ms, rate

BUSY = "while True: pass"
BUSY_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}], env={{}})"


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ProcessTable]:
    (tmp_path / "run").mkdir()
    made = ProcessTable(tmp_path)
    yield made
    marked = made.list_marked()
    stop([child for process in marked for child in process.children(recursive=True)] + marked)
    made.reap()


def start(table: ProcessTable, tmp_path: Path, code: str, **environment: str) -> "subprocess.Popen[bytes]":
    return table.start(
        "one",
        [sys.executable, "-c", code],
        log=tmp_path / "log",
        environment={**os.environ, **environment},
        directory=tmp_path,
    )


def test_rate_and_cpu_are_those_between_two_marks() -> None:
    before = Mark(100, 10.0, {**dict.fromkeys(KINDS, 1.0), "apps": 5.0})
    after = Mark(300, 20.0, {**dict.fromkeys(KINDS, 2.0), "apps": 10.0})
    assert rate(before, after) == 20.0
    assert cpu_ms(before, after, "apps") == 25.0
    assert cpu_ms(before, after) == 50.0


def test_each_tenth_has_a_mark(table: ProcessTable) -> None:
    progress = Progress(table, 25)
    progress.begin()
    for _ in range(25):
        progress.count()
    assert [mark.orders for mark in progress.marks] == [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25]
    assert all(mark.yardstick_ms > 0 for mark in progress.marks[1:])


async def test_the_cpu_of_apps_and_of_children_that_hide_the_mark_counts(table: ProcessTable, tmp_path: Path) -> None:
    async def used() -> dict[str, float]:
        return cpu_seconds(table)

    start(table, tmp_path, BUSY, APP_ID="orders")
    await eventually(used, lambda seconds: seconds["apps"] > 0.2, seconds=20)
    assert (await used())["others"] == 0.0
    start(table, tmp_path, BUSY_CHILD)
    await eventually(used, lambda seconds: seconds["others"] > 0.5, seconds=20)

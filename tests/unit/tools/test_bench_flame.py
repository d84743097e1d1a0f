"""The flame graph: processes as wide as their CPU, stacks inside an app in proportion, and nothing of threads that wait."""

import re

import pytest

from tools.bench.flame import drawn, stacks, tree

FOLDED = """\
<module> (apps/orders/main.py:63);Runner.run (asyncio/runners.py:118);handle (a.py:1);load (s.py:9) 30
<module> (apps/orders/main.py:63);Runner.run (asyncio/runners.py:118);handle (a.py:2) 10
Thread._bootstrap (threading.py:1002);Condition.wait (threading.py:327) 500
<module> (apps/orders/main.py:63);Runner.run (asyncio/runners.py:118) 60
"""


def test_stacks_are_of_what_works() -> None:
    assert list(stacks(FOLDED)) == [(["handle", "load"], 30), (["handle"], 10), (["event loop, sockets"], 60)]


def test_an_app_is_as_wide_as_its_cpu_and_its_calls_share_it() -> None:
    root = tree({"apps orders": 20.0, "daprd orders": 5.0, "redis": -0.1}, {"orders": FOLDED}, "CHECKOUT")
    orders = root.below["apps orders"]
    assert root.value == pytest.approx(25.0)
    assert orders.value == pytest.approx(20.0)
    assert orders.below["handle"].value == pytest.approx(8.0)
    assert orders.below["handle"].below["load"].value == pytest.approx(6.0)
    assert "redis" not in root.below


def test_boxes_that_nobody_could_see_are_left_out() -> None:
    svg = drawn(tree({"apps orders": 1000.0, "daprd tiny": 0.1}, {}, "all"))
    assert "apps orders: 1000.00 ms" in svg
    assert "tiny" not in svg
    assert len(re.findall("<rect", svg)) == 2

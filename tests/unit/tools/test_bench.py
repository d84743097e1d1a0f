"""The arithmetic of the bench: what a percentile is, what CPU an operation cost, and when a goal counts as met."""

import asyncio

import pytest

from tools.bench.figures import Figure, figure_of, percentile
from tools.bench.goals import goals, idle_cores, judge, memory_goals
from tools.bench.load import closed_loop
from tools.bench.report import Result, written
from tools.bench.usage import by_kind


def figure(
    name: str, *, cpu_ms: float = 1.0, operations: int = 100, seconds: float = 10.0, p95_ms: float = 5.0
) -> Figure:
    return Figure(name, 1, operations, seconds, 1.0, p95_ms, 9.0, cpu_ms)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, 0.0),
        ([7.0], 99, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([float(value) for value in range(1, 101)], 95, 95.0),
        ([float(value) for value in range(1, 101)], 99, 99.0),
        ([float(value) for value in range(1, 11)], 95, 10.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_cpu_an_operation_is_without_what_the_shop_uses_at_rest_also_while_it_settles() -> None:
    made = figure_of(
        "CHECKOUT-8",
        clients=8,
        latencies_ms=[100.0] * 50,
        seconds=5.0,
        used_seconds={"apps": 2.0, "daprd": 1.6},
        idle_cores={"apps": 0.05, "daprd": 0.01},
        measured_seconds=10.0,
        load_before=(1.0, 1.0, 1.0),
        load_after=(2.0, 1.0, 1.0),
    )
    assert made.rate == 10.0
    assert dict(made.cpu_ms_by_kind) == pytest.approx({"apps": 30.0, "daprd": 30.0})
    assert made.cpu_ms == pytest.approx(60.0)


def test_goals_are_ratios_within_one_run() -> None:
    figures = {
        one.name: one
        for one in (
            figure("CHECKOUT-8", cpu_ms=88.0, seconds=20.0, p95_ms=1000.0),
            figure("NOOP-8", cpu_ms=50.0, seconds=12.0),
            figure("PRODUCT", cpu_ms=1.2),
            figure("INVOKE", cpu_ms=1.0),
            figure("SEARCH", cpu_ms=3.5),
        )
    }
    found = {(verdict.goal.job, verdict.goal.what): verdict for verdict in judge(goals(10_000), figures)}
    cpu = found["CHECKOUT-8", "CPU ÷ no-op workflow's"]
    assert cpu.measured == pytest.approx(1.76)
    assert cpu.met is False
    rate = found["CHECKOUT-8", "rate ÷ no-op workflow's"]
    assert rate.measured == pytest.approx(0.6)
    assert rate.met is True
    assert found["CHECKOUT-8", "p95"].met is True
    assert found["PRODUCT", "CPU ÷ bare invocation's"].met is True
    assert found["SEARCH", "CPU ÷ bare invocation's"].met is False
    assert found["CART", "CPU ÷ actor call's"].met is None
    wider = {verdict.goal.job: verdict.met for verdict in judge(goals(100_000), figures)}
    assert wider["SEARCH"] is True


def test_a_service_weighs_what_its_app_and_its_sidecar_weigh() -> None:
    memory = {"apps orders": 300.0, "daprd orders": 213.0, "apps carts": 400.0, "postgres": 2000.0}
    everything, largest = memory_goals(memory)
    assert (everything.measured, everything.met) == (2913.0, True)
    assert (largest.measured, largest.met) == (513.0, False)
    assert "orders" in largest.goal.what


def test_rest_is_a_share_of_one_core() -> None:
    assert idle_cores(figure("IDLE", cpu_ms=120.0)) == 0.12


def test_what_no_kind_has_a_name_for_is_among_the_others() -> None:
    assert by_kind({"apps orders": 1.0, "apps carts": 2.0, "placement": 4.0, "postgres": 8.0}) == {
        "apps": 3.0,
        "daprd": 0.0,
        "postgres": 8.0,
        "scheduler": 0.0,
        "redis": 0.0,
        "others": 4.0,
    }


async def test_a_closed_loop_does_each_operation_once_and_never_more_at_a_time_than_it_has_clients() -> None:
    numbers: list[int] = []
    under_way = most = 0

    async def operation(number: int) -> float | None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        numbers.append(number)
        return float(number) if number < 3 else None

    latencies = await closed_loop(operation, clients=4, operations=20)
    assert sorted(numbers) == list(range(20))
    assert most == 4
    assert len(latencies) == 20
    assert {0.0, 1.0, 2.0} <= set(latencies)


def test_the_table_says_of_each_goal_whether_it_was_met() -> None:
    figures = {"PRODUCT": figure("PRODUCT", cpu_ms=3.0, p95_ms=50.0), "INVOKE": figure("INVOKE", cpu_ms=1.0)}
    result = Result("make bench", 10_000, figures=figures, verdicts=judge(goals(10_000), figures))
    lines = written(result).splitlines()
    assert "| PRODUCT | CPU ÷ bare invocation's ≤ 1.2× | 3.00× | **not met** |" in lines
    assert "| PRODUCT | p95 ≤ 100 ms | 50.00 ms | met |" in lines
    assert "| CART | CPU ÷ actor call's ≤ 1.5× | not measured |  |" in lines

"""The capacity model: what a queue with waiting beside it carries, and how many processes a load needs."""

from itertools import pairwise

import pytest

from tools.bench.capacity import check, closed_rate, needs


def test_one_client_alone_waits_for_nobody() -> None:
    assert closed_rate(1, alone_seconds=0.5, cpu_seconds=0.1, cores=2) == pytest.approx(2.0)


def test_many_clients_get_what_the_cores_give_and_never_more() -> None:
    rates = [closed_rate(n, alone_seconds=0.2, cpu_seconds=0.1, cores=2) for n in (1, 2, 8, 32, 1000)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(rates))
    assert rates[-1] == pytest.approx(20.0, rel=0.001)
    assert rates[1] == pytest.approx(2 / (0.15 + 0.05 * 1.25))


def test_work_alone_never_queues_for_more_than_its_turn() -> None:
    assert closed_rate(5, alone_seconds=0.1, cpu_seconds=0.1, cores=1) == pytest.approx(10.0)


def test_a_load_needs_cores_by_process_and_at_least_two_replicas() -> None:
    cpu_ms = {"PRODUCT": {"apps gateway": 0.5, "redis": -0.1}, "CART": {"apps gateway": 1.0, "apps carts": 3.0}}
    gateway, carts = needs(cpu_ms, {"PRODUCT": 1000, "CART": 100})
    assert (gateway.process, gateway.replicas, carts.process, carts.replicas) == ("apps gateway", 2, "apps carts", 2)
    assert gateway.cores == pytest.approx(0.6)
    assert carts.cores == pytest.approx(0.3)
    assert needs(cpu_ms, {"PRODUCT": 10_000})[0].replicas == 9


def test_the_model_is_held_against_what_was_measured() -> None:
    figures = {
        "CHECKOUT-1": {"p50_ms": 200.0, "rate": 4.0, "cpu_ms": 120.0},
        "CHECKOUT-8": {"p50_ms": 500.0, "rate": 14.0, "cpu_ms": 110.0},
        "CHECKOUT-32": {"p50_ms": 2000.0, "rate": 16.0, "cpu_ms": 100.0},
    }
    found = check(figures)
    assert [(clients, measured) for clients, _, measured in found] == [(1, 4.0), (8, 14.0), (32, 16.0)]
    assert found[0][1] == pytest.approx(1 / (1.1 * 0.2 + 0.15))
    assert found[2][1] == pytest.approx(16.0, rel=0.02)

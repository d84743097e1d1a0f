"""A seed makes one plan, and a plan is worth its name: everything is killed, and some goods are scarce."""

import asyncio
from collections import Counter

from tools.storm.pace import Pace
from tools.storm.plan import HOT_PRODUCTS, SCARCE_SHARES, TOKENS, draw, targets


def test_the_same_seed_makes_the_same_plan_and_another_one_another() -> None:
    first, again, other = (draw(seed=seed, kills=30, orders=200, shoppers=16) for seed in (7, 7, 8))
    assert first == again
    assert first.orders != other.orders
    assert first.kills != other.kills


def test_every_order_is_planned_once_under_a_key_of_its_own() -> None:
    plan = draw(seed=1, kills=0, orders=203, shoppers=16)
    assert sorted({len(orders) for orders in plan.orders}) == [12, 13]
    assert len({order.key for orders in plan.orders for order in orders}) == 203
    assert plan.kills == ()


def test_each_process_is_killed_before_any_is_killed_twice() -> None:
    kills = draw(seed=1, kills=2 * len(targets()) + 1, orders=8, shoppers=8).kills
    for deck in (kills[: len(targets())], kills[len(targets()) : -1]):
        assert {kill.target for kill in deck} == set(targets())
    assert len(targets()) == 24


def test_some_products_are_scarce_and_every_way_to_pay_and_to_retell_is_planned() -> None:
    plan = draw(seed=1, kills=0, orders=1000, shoppers=32)
    orders = [order for planned in plan.orders for order in planned]
    demand = Counter[int]()
    for order in orders:
        assert len({product for product, _ in order.lines}) == len(order.lines)
        for product, quantity in order.lines:
            demand[product] += quantity
    scarce = [product for product in range(HOT_PRODUCTS) if plan.stock[product] < demand[product]]
    assert scarce == list(range(len(SCARCE_SHARES)))
    assert {order.token for order in orders} == set(TOKENS)
    assert {order.retell for order in orders} == {"", "twice", "late", "backwards"}
    for happens in (
        any(order.cancel_after_seconds is not None for order in orders),
        any(order.cancel_when_paid for order in orders),
        any(order.edit_after_seconds is not None for order in orders),
        any(order.patience_seconds for order in orders),
    ):
        assert happens


async def test_orders_wait_for_the_kills_they_are_to_meet() -> None:
    pace = Pace(orders=100, kills=10)
    await asyncio.wait_for(pace.wait_to_order(0.19), 1)
    late = asyncio.create_task(pace.wait_to_order(0.2))
    await asyncio.sleep(0)
    assert not late.done()
    pace.kills_done = 1
    await asyncio.wait_for(late, 1)


async def test_kills_wait_for_the_orders_they_are_to_meet() -> None:
    pace = Pace(orders=100, kills=10)
    await asyncio.wait_for(pace.wait_to_kill(), 1)
    pace.kills_done = 5
    waiting = asyncio.create_task(pace.wait_to_kill())
    await asyncio.sleep(0)
    assert not waiting.done()
    pace.orders_begun = 45
    await asyncio.wait_for(waiting, 1)

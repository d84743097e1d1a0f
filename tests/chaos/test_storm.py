"""A short storm over the shop: everything at once, and nothing is lost. `make chaos` is the long one."""

from itertools import count

import pytest

from tests.support.shops import STACK
from tools.local.home import Home
from tools.local.stack import SERVERS
from tools.storm.plan import Plan, draw
from tools.storm.report import written
from tools.storm.storm import storm
from tools.storm.tally import count as tally_of

FIRST_SEED, KILLS, ORDERS, SHOPPERS = 5, 5, 80, 10


def chosen_plan() -> Plan:
    """The first one that kills, of the stack under test, a server of its store, one of each broker, the checkout, and who sends mails."""
    wanted = [SERVERS[technology] for technology in (STACK.state, *STACK.brokers)]
    wanted += [("app checkout", "daprd checkout"), ("app notifications", "daprd notifications")]
    for seed in count(FIRST_SEED):
        plan = draw(seed=seed, kills=KILLS, orders=ORDERS, shoppers=SHOPPERS, servers=STACK.servers)
        killed = {str(kill.target) for kill in plan.kills}
        if all(killed.intersection(some) for some in wanted):
            return plan
    raise AssertionError("count() has no end")


@pytest.mark.timeout(400)
async def test_a_short_storm_loses_nothing(home: Home) -> None:
    plan = chosen_plan()
    result = await storm(home, plan, progress=print)
    tally = tally_of(result.aftermath)
    report = written(
        tally,
        kills=result.aftermath.kills,
        seconds=result.seconds,
        retold=result.retold,
        lost=result.lost,
        begun_again=result.begun_again,
        statuses=result.statuses,
        unconfirmed=len(result.aftermath.unconfirmed),
        command=f"make chaos SEED={plan.seed} KILLS={KILLS} ORDERS={ORDERS}",
    )
    print(report)
    assert tally.is_clean, report

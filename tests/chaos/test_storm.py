"""A short storm over the shop: everything at once, and nothing is lost. `make chaos` is the long one."""

import pytest

from tests.support.shops import STACK
from tools.local.home import Home
from tools.storm.plan import draw
from tools.storm.report import written
from tools.storm.storm import storm
from tools.storm.tally import count

SEED, KILLS, ORDERS, SHOPPERS = 5, 5, 80, 10


@pytest.mark.timeout(400)
async def test_a_short_storm_loses_nothing(home: Home) -> None:
    plan = draw(seed=SEED, kills=KILLS, orders=ORDERS, shoppers=SHOPPERS, servers=STACK.servers)
    result = await storm(home, plan, progress=print)
    tally = count(result.aftermath)
    report = written(
        tally,
        kills=result.aftermath.kills,
        seconds=result.seconds,
        retold=result.retold,
        lost=result.lost,
        statuses=result.statuses,
        unconfirmed=len(result.aftermath.unconfirmed),
        command=f"make chaos SEED={SEED} KILLS={KILLS} ORDERS={ORDERS}",
    )
    print(report)
    assert tally.is_clean, report

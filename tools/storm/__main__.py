"""Starts a shop of its own, lets a storm loose on it, and prints what it has left: exits 1 on any breach, 2 without a result."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.local.commands import Console
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.interrupts import interrupt_once
from tools.local.run_file import chosen_stack, offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home
from tools.storm.client import Unanswered
from tools.storm.plan import draw
from tools.storm.report import written
from tools.storm.storm import ENVIRONMENT, storm
from tools.storm.tally import count

MOST_SHOPPERS = 32


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=os.environ.get("SEED") or str(int(time.time())))
    parser.add_argument("--kills", type=int, default=os.environ.get("KILLS") or "10")
    parser.add_argument("--orders", type=int, default=os.environ.get("ORDERS") or "300")
    parser.add_argument("words", nargs="*", metavar="WORD=TECHNOLOGY", help="for example PUBSUB=kafka STATE=etcd")
    options = parser.parse_args(arguments)
    interrupt_once()
    home = Home(Path(tempfile.mkdtemp(prefix="plaza-storm-")))
    is_clean = False
    try:
        is_clean = _run(home, seed=options.seed, kills=options.kills, orders=options.orders, words=options.words)
    except (LocalError, Unanswered) as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        is_clean = True
        return 130
    finally:
        if is_clean:
            delete_home(home)
        else:
            print(f"\nThe logs of the shop are kept: {home.logs}", file=sys.stderr)
    return 0 if is_clean else 1


def _run(home: Home, *, seed: int, kills: int, orders: int, words: Sequence[str]) -> bool:
    console = Console()
    command = " ".join((f"make chaos SEED={seed} KILLS={kills} ORDERS={orders}", *words))
    console(command)
    plan = draw(
        seed=seed,
        kills=kills,
        orders=orders,
        shoppers=min(MOST_SHOPPERS, max(8, orders // 10)),
        servers=chosen_stack(PROJECT / "dapr.yaml", words).servers,
    )
    offset = offset_of_another_shop()
    with Shop(home, progress=console, port_offset=offset, environment=ENVIRONMENT, self_healing=True, words=words):
        result = asyncio.run(storm(home, plan, progress=console))
    tally = count(result.aftermath)
    print()
    print(
        written(
            tally,
            kills=result.aftermath.kills,
            seconds=result.seconds,
            retold=result.retold,
            lost=result.lost,
            begun_again=result.begun_again,
            statuses=result.statuses,
            unconfirmed=len(result.aftermath.unconfirmed),
            command=command,
        )
    )
    return tally.is_clean


if __name__ == "__main__":
    sys.exit(main())

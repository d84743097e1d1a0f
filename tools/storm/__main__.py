"""Starts a shop of its own, lets a storm loose on it, and prints what it has left: exits 1 on any breach, 2 without a result."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tools.local.commands import Console
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.ports import find_free_offset
from tools.local.run_file import read_run_file
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
    parser.add_argument("--seed", type=int, default=_number("SEED", int(time.time())))
    parser.add_argument("--kills", type=int, default=_number("KILLS", 10))
    parser.add_argument("--orders", type=int, default=_number("ORDERS", 300))
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    home = Home(Path(tempfile.mkdtemp(prefix="plaza-storm-")))
    is_clean = False
    try:
        is_clean = _run(home, seed=options.seed, kills=options.kills, orders=options.orders)
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


def _run(home: Home, *, seed: int, kills: int, orders: int) -> bool:
    console = Console()
    command = f"make chaos SEED={seed} KILLS={kills} ORDERS={orders}"
    console(command)
    plan = draw(seed=seed, kills=kills, orders=orders, shoppers=min(MOST_SHOPPERS, max(8, orders // 10)))
    offset = find_free_offset(read_run_file(PROJECT / "dapr.yaml").named_ports)
    with Shop(home, progress=console, port_offset=offset, environment=ENVIRONMENT, self_healing=True):
        result = asyncio.run(storm(home, plan, progress=console))
    tally = count(result.aftermath)
    print()
    print(
        written(
            tally,
            kills=result.aftermath.kills,
            seconds=result.seconds,
            retold=result.retold,
            statuses=result.statuses,
            unconfirmed=len(result.aftermath.unconfirmed),
            command=command,
        )
    )
    return tally.is_clean


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdigit() else otherwise


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Once: what ends the shop must not be interrupted by an impatient second Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

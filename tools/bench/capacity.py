"""How much a shop carries, from what an operation costs: a closed queueing model for one machine, and cores and replicas for many.

`python -m tools.bench.capacity .plaza/bench.json` holds the model against a bench, and prints what a load needs (docs/scale.md).
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.shopping import LOOK_AFTER, LOOK_AGAIN_SECONDS

BUSY = 0.6
"""The share of a core that is planned for: a process at this load answers in 2.5 times its own time (M/M/1)."""

PYTHON_CORES = 1.0
"""What one process of an app can use, however many cores there are."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one kind of process needs at a load: cores, and replicas of at most one core's work each."""

    process: str
    cores: float
    replicas: int


def closed_rate(clients: int, *, alone_seconds: float, cpu_seconds: float, cores: float) -> float:
    """Operations a second of `clients` who each have one under way, by mean value analysis.

    An operation takes `alone_seconds` when nothing else runs, of which `cpu_seconds` are work that `cores` share; the rest is waiting
    (for disks, timers and the network), which clients do side by side.
    """
    demand = cpu_seconds / cores
    waiting = max(0.0, alone_seconds - demand)
    queue = rate = 0.0
    for number in range(1, clients + 1):
        at_cpu = demand * (1 + queue)
        rate = number / (waiting + at_cpu)
        queue = rate * at_cpu
    return rate


def needs(cpu_ms: Mapping[str, Mapping[str, float]], a_second: Mapping[str, float]) -> list[Need]:
    """By process, for so many operations of each job `a_second`; those that need most first."""
    cores: dict[str, float] = {}
    for job, rate in a_second.items():
        for process, value in cpu_ms[job].items():
            if value > 0:
                cores[process] = cores.get(process, 0.0) + rate * value / 1000
    found = (Need(process, used, max(2, math.ceil(used / (BUSY * PYTHON_CORES)))) for process, used in cores.items())
    return sorted(found, key=lambda need: -need.cores)


def check(figures: Mapping[str, Mapping[str, Any]]) -> list[tuple[int, float, float]]:
    """(shoppers, predicted, measured) a second. The cores that the shop was given are those that it used with 32 shoppers.

    A shopper of the bench goes on once he has looked: after 1.1 times the usual time, then each LOOK_AGAIN_SECONDS.
    """
    full = figures["CHECKOUT-32"]
    cpu_seconds = full["cpu_ms"] / 1000
    cores = full["rate"] * cpu_seconds
    alone = LOOK_AFTER * figures["CHECKOUT-1"]["p50_ms"] / 1000 + LOOK_AGAIN_SECONDS
    return [
        (
            clients,
            closed_rate(clients, alone_seconds=alone, cpu_seconds=cpu_seconds, cores=cores),
            figures[f"CHECKOUT-{clients}"]["rate"],
        )
        for clients in (1, 8, 32)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.capacity", description=__doc__)
    parser.add_argument("result", type=Path)
    parser.add_argument(
        "--load", default="PRODUCT=7000,LIST=1500,SEARCH=800,CART=700,CHECKOUT-32=80", help="operations a second by job"
    )
    options = parser.parse_args()
    result = json.loads(options.result.read_text())
    if all(f"CHECKOUT-{clients}" in result["figures"] for clients in (1, 8, 32)):
        print("| shoppers | predicted checkouts a second | measured |\n| --- | --- | --- |")
        for clients, predicted, measured in check(result["figures"]):
            print(f"| {clients} | {predicted:.1f} | {measured:.1f} |")
    load = {job: float(rate) for job, _, rate in (part.partition("=") for part in options.load.split(","))}
    print(f"\n{options.load}\n\n| process | cores | replicas |\n| --- | --- | --- |")
    wanted = needs(result["cpu_ms_by_process"], load)
    for need in wanted:
        print(f"| {need.process} | {need.cores:.1f} | {need.replicas} |")
    print(f"| all | {sum(need.cores for need in wanted):.0f} | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

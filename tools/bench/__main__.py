"""Starts a shop and, beside it, a shop of the same sidecars whose apps do nothing; measures both in turn and prints ratios.

Exits 1 when an answer was wrong; a goal that is missed is told, not an error, since it says as much of the machine.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import uvloop

from tools.bench.client import Http, UnexpectedAnswer
from tools.bench.goals import goals, judge, memory_goals, soak_goal
from tools.bench.jobs import JOBS, Bench, WrongEnd, rest
from tools.bench.limits import Limits, limit_run_file, pgbench, redis_benchmark
from tools.bench.load import Meter
from tools.bench.replicas import second_replicas
from tools.bench.report import HEAD, Result, as_json, written
from tools.bench.stage import Stage
from tools.bench.usage import memory_mib
from tools.local.commands import Console
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.interrupts import interrupt_once
from tools.local.processes import ProcessTable
from tools.local.run_file import offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home
from tools.soak import TENTHS, rate, soak

ENVIRONMENT = {"GATEWAY_RATE_PER_MINUTE": "10000000", "GATEWAY_AUTH_RATE_PER_MINUTE": "10000000"}
ALL = ("IDLE", *JOBS, "SOAK")
USUAL = ("IDLE", *JOBS)
REST_SECONDS = 15
SOAK_ORDERS = 10_000
RESULT = PROJECT / ".plaza" / "bench.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "--jobs", default=os.environ.get("JOBS") or ",".join(USUAL), help=f"of {','.join(ALL)}; SOAK takes long"
    )
    parser.add_argument("--products", type=int, default=os.environ.get("PRODUCTS") or "10000")
    parser.add_argument(
        "--scale", type=float, default=os.environ.get("SCALE") or "1", help="0.1 makes each job a tenth as long"
    )
    parser.add_argument(
        "--compare", metavar="CMD", help="another system's load script, run in turn with ours; see docs/performance.md"
    )
    parser.add_argument(
        "--replicas", type=int, choices=(1, 2), default=os.environ.get("REPLICAS") or "1", help="of each service"
    )
    parser.add_argument("--json", type=Path, default=RESULT)
    parser.add_argument("words", nargs="*", metavar="WORD=TECHNOLOGY", help="for example PUBSUB=kafka STATE=etcd")
    options = parser.parse_args(arguments)
    jobs = [job.strip().upper() for job in options.jobs.split(",")]
    if unknown := set(jobs) - set(ALL):
        parser.error(f"no job {', '.join(sorted(unknown))}: choose of {', '.join(ALL)}")
    interrupt_once()
    command = " ".join(
        (
            "make bench",
            f"JOBS={','.join(jobs)}",
            f"PRODUCTS={options.products}",
            f"SCALE={options.scale:g}",
            *([f"REPLICAS={options.replicas}"] if options.replicas > 1 else []),
            *options.words,
        )
    )
    result = Result(command, options.products)
    code = 0
    try:
        _measure(options, jobs, result)
    except* KeyboardInterrupt:
        code = 130  # what was measured by then is told all the same
    except* (LocalError, UnexpectedAnswer, WrongEnd) as errors:
        print(f"plaza: {_first(errors)}", file=sys.stderr)
        code = 1
    if result.memory_mib:
        result.verdicts = [*memory_goals(result.memory_mib), *result.verdicts]
    result.verdicts = [*judge(goals(options.products), result.figures), *result.verdicts]
    print(f"\n{written(result)}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(as_json(result))
    print(f"\nwritten to {options.json}")
    return code


def _measure(options: argparse.Namespace, jobs: Sequence[str], result: Result) -> None:
    with ExitStack() as stack:
        shop, limit = (_shop(stack, kind, options.words) for kind in ("bench", "limit"))
        uvloop.run(
            _run(shop, limit, jobs, result, scale=options.scale, compare=options.compare, replicas=options.replicas)
        )
        if "SOAK" in jobs:
            marks = soak(shop, orders=max(TENTHS, round(SOAK_ORDERS * options.scale)), shoppers=8)
            result.verdicts.append(soak_goal(rate(*marks[-2:]) / rate(*marks[:2])))


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _shop(stack: ExitStack, kind: str, words: Sequence[str]) -> Shop:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"plaza-{kind}-")))
    home = Home(directory / "home")
    stack.callback(delete_home, home)
    source = PROJECT / "dapr.yaml" if kind == "bench" else limit_run_file(directory / "project")
    offset = offset_of_another_shop(source)
    console = Console()
    shop = Shop(
        home,
        progress=lambda text: console(f"{kind}: {text}"),
        port_offset=offset,
        environment=ENVIRONMENT,
        source=source,
        words=words,
    )
    return stack.enter_context(shop)


async def _run(
    shop: Shop,
    limit: Shop,
    jobs: Sequence[str],
    result: Result,
    *,
    scale: float,
    compare: str | None,
    replicas: int,
) -> None:
    console = Console()
    running, token = _running(shop)
    limit_running, _ = _running(limit)
    async with AsyncExitStack() as stack:
        stage = Stage(running, shop.secrets, token)
        stack.push_async_callback(stage.close)
        gateways = [shop.gateway_url]
        if replicas == 2:
            console("starting a second replica of each service")
            second = second_replicas(running, ProcessTable(shop.home.root), shop.home.logs)
            gateways.append(stack.enter_context(second))
        console(f"putting {result.products} products on sale")
        products = await stage.add_products(result.products)
        tables = ProcessTable(shop.home.root), ProcessTable(limit.home.root)
        await asyncio.gather(*(Meter(table, {}).calm() for table in tables))
        console("resting")
        (idle, cores), (_, limit_cores) = await asyncio.gather(*(rest(table, REST_SECONDS) for table in tables))
        ports = {app_id: app["app_port"] for app_id, app in limit_running["apps"].items()}
        bench = Bench(
            http=await stack.enter_async_context(Http(*gateways)),
            stage=stage,
            meter=Meter(tables[0], cores),
            limit_meter=Meter(tables[1], limit_cores),
            limits=Limits(await stack.enter_async_context(Http("")), ports),
            products=products,
            users=[],
            result=result,
            progress=console,
            scale=scale,
        )
        print(HEAD, flush=True)
        if "IDLE" in jobs:
            result.memory_mib = memory_mib(tables[0])
            bench.record(idle)
        for job in jobs:
            if job in JOBS:
                await JOBS[job](bench)
                if compare and job == "CHECKOUT":
                    result.others.append(await asyncio.to_thread(_compared, compare))
        if "CHECKOUT" in jobs:
            result.stores = await asyncio.to_thread(_stores, limit)


def _running(shop: Shop) -> tuple[dict[str, Any], str]:
    tokens = json.loads((shop.home.root / "api-tokens.json").read_text())
    return json.loads(shop.home.run_json.read_text()), tokens["DAPR_API_TOKEN"]


def _stores(limit: Shop) -> dict[str, str]:
    """Their own benchmarks, on the servers of the shop of limits."""
    said = {}
    if "postgres" in limit.stack.servers:
        said["PostgreSQL (pgbench)"] = pgbench(limit.home)
    if "redis" in limit.stack.servers:
        redis = limit.secrets["redis"]
        said["Redis (redis-benchmark)"] = redis_benchmark(int(redis["host"].rpartition(":")[2]), redis["password"])
    return said


def _compared(command: str) -> Any:
    """What the other system's script says in the last line that it prints, as JSON where it is JSON, and how long it took."""
    began = time.perf_counter()
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=900, check=False)  # noqa: S602 - the user's own
    last = (ended.stdout.strip().splitlines() or [""])[-1]
    try:
        said: Any = json.loads(last)
    except ValueError:
        said = last
    return {"command": command, "exit": ended.returncode, "seconds": time.perf_counter() - began, "said": said}


if __name__ == "__main__":
    sys.exit(main())

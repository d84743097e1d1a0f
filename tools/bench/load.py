"""Closed-loop load: so many clients, each of whom asks again once it was answered, and what that cost the shop."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tools.bench.figures import Figure, figure_of
from tools.bench.usage import by_kind, cpu_seconds_by_process
from tools.local.processes import ProcessTable

Operation = Callable[[int], Awaitable[float | None]]
"""Does the operation of that number; how long it took in ms, None to be timed from outside."""

CALM_WINDOW_SECONDS = 0.5
CALM_WITHIN_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Meter:
    """Reads what one shop uses. `idle` is by process, in cores, as measured at rest."""

    table: ProcessTable
    idle: Mapping[str, float]

    async def measure(
        self,
        name: str,
        operation: Operation,
        *,
        clients: int,
        seconds: float | None = None,
        operations: int | None = None,
        detailed: dict[str, dict[str, float]] | None = None,
    ) -> Figure:
        """Runs until `seconds` have passed or so many `operations` are done, then until the shop is calm: what they led to counts too."""
        await self.calm()
        load_before = os.getloadavg()
        before, began = cpu_seconds_by_process(self.table), time.perf_counter()
        latencies = await closed_loop(operation, clients=clients, seconds=seconds, operations=operations)
        took = time.perf_counter() - began
        await self.calm()
        measured = time.perf_counter() - began
        after = cpu_seconds_by_process(self.table)
        used = {process: after[process] - before.get(process, 0.0) for process in after}
        if detailed is not None:
            detailed[name] = {
                process: 1000 * (value - self.idle.get(process, 0.0) * measured) / max(1, len(latencies))
                for process, value in used.items()
            }
        return figure_of(
            name,
            clients=clients,
            latencies_ms=latencies,
            seconds=took,
            used_seconds=by_kind(used),
            idle_cores=by_kind(self.idle),
            measured_seconds=measured,
            load_before=load_before,
            load_after=os.getloadavg(),
        )

    async def calm(self) -> None:
        """Returns once the shop works no more than at rest, or when it does not come to rest in time."""
        deadline = time.monotonic() + CALM_WITHIN_SECONDS
        resting = sum(self.idle.values())
        while time.monotonic() < deadline:
            before, began = sum(cpu_seconds_by_process(self.table).values()), time.perf_counter()
            await asyncio.sleep(CALM_WINDOW_SECONDS)
            used = sum(cpu_seconds_by_process(self.table).values()) - before
            if used / (time.perf_counter() - began) < 2 * resting + 0.1:
                return


async def closed_loop(
    operation: Operation, *, clients: int, seconds: float | None = None, operations: int | None = None
) -> list[float]:
    """The latencies in ms of all operations, each with a number of its own from 0 on."""
    deadline = time.perf_counter() + seconds if seconds is not None else None
    numbers = iter(range(operations)) if operations is not None else iter(int, None)
    count = 0
    latencies: list[float] = []

    async def client() -> None:
        nonlocal count
        while (deadline is None or time.perf_counter() < deadline) and next(numbers, None) is not None:
            number, count = count, count + 1
            began = time.perf_counter()
            own = await operation(number)
            latencies.append(1000 * (time.perf_counter() - began) if own is None else own)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return latencies

"""What the processes of a shop have used: CPU seconds by process, and memory as its own share (PSS), both as the kernel counts them."""

from collections.abc import Mapping
from contextlib import suppress

import psutil

from tools.local.processes import ProcessTable

KINDS = ("apps", "daprd", "postgres", "scheduler", "redis", "others")
MIB = 1024 * 1024


def shop_processes(table: ProcessTable) -> list[psutil.Process]:
    """Those with the shop's mark and all below them: Redis and PostgreSQL's children write over the mark."""
    known = {*table.list_marked(), *filter(None, (record.find() for record in table.records()))}
    below = set()
    for process in known:
        with suppress(psutil.Error):
            below.update(process.children(recursive=True))
    return list(known | below)


def cpu_seconds_by_process(table: ProcessTable) -> dict[str, float]:
    """By `<kind> <app>` or name. What ended is in it too: its parent has it."""
    used: dict[str, float] = {}
    for process in shop_processes(table):
        with suppress(psutil.Error):
            name = name_of(process)
            used[name] = used.get(name, 0.0) + sum(process.cpu_times()[:4])
    return used


def cpu_seconds(table: ProcessTable) -> dict[str, float]:
    """By kind."""
    return by_kind(cpu_seconds_by_process(table))


def by_kind(by_process: Mapping[str, float]) -> dict[str, float]:
    sums = dict.fromkeys(KINDS, 0.0)
    for name, value in by_process.items():
        kind = name.split()[0]
        sums[kind if kind in sums else "others"] += value
    return sums


def memory_mib(table: ProcessTable) -> dict[str, float]:
    """PSS by process: pages that several share are split among them, so that the sum is what the machine gives."""
    used: dict[str, float] = {}
    for process in shop_processes(table):
        with suppress(psutil.Error):
            name = name_of(process)
            used[name] = used.get(name, 0.0) + process.memory_full_info().pss / MIB
    return used


def name_of(process: psutil.Process) -> str:
    """`apps orders`, `daprd orders`, `postgres`, …"""
    name = process.name()
    if name.startswith("python"):
        app_id = process.environ().get("APP_ID")
        return f"apps {app_id}" if app_id else "others python"
    if name == "daprd":
        command = process.cmdline()
        return f"daprd {command[command.index('--app-id') + 1]}" if "--app-id" in command else "daprd"
    return next((kind for kind in KINDS if name.startswith(kind)), f"others {name}")

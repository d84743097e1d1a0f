"""Kills processes of a shop that heals itself, one after the other, and measures how long it is until an order is paid again."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.storm.account import KillRecord
from tools.storm.pace import Pace
from tools.storm.plan import Kill, Target

BACK_SECONDS = 60.0
LOOK_SECONDS = 0.1

Probe = Callable[[int], Any]
"""Places an order of its own, given a number, and answers how it ended."""


class Killer:
    """`records` tell of each kill in its order; pids are those that run.json names now."""

    def __init__(self, run_json: Path, *, probe: Probe, pace: Pace) -> None:
        self.records: list[KillRecord] = []
        self._run_json, self._probe, self._pace = run_json, probe, pace

    async def run(self, kills: Sequence[Kill]) -> None:
        """Returns once the last one is back and every probe has ended."""
        async with asyncio.TaskGroup() as probes:
            for number, kill in enumerate(kills):
                await asyncio.sleep(kill.pause_seconds)
                await self._pace.wait_to_kill()
                old = await self._find_pid(kill.target, other_than=None)
                if old is not None:
                    os.kill(old, signal.SIGKILL)
                killed_at = datetime.now(UTC)
                self._pace.kills_done, self._pace.last_kill = number + 1, str(kill.target)
                record = KillRecord(str(kill.target))
                self.records.append(record)
                probes.create_task(self._measure(record, number, killed_at))
                record.came_back = await self._find_pid(kill.target, other_than=old) is not None

    async def _measure(self, record: KillRecord, number: int, killed_at: datetime) -> None:
        order = await self._probe(number)
        for entry in order.get("timeline", ()):
            if entry["status"] == "paid":
                record.paid_seconds = (datetime.fromisoformat(entry["at"]) - killed_at).total_seconds()

    async def _find_pid(self, target: Target, *, other_than: int | None) -> int | None:
        """The pid of the target once it lives and is another one; None when that takes too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BACK_SECONDS
        while loop.time() < deadline:
            pid = self._pid(target)
            if pid not in (None, other_than):
                return pid
            await asyncio.sleep(LOOK_SECONDS)
        return None

    def _pid(self, target: Target) -> int | None:
        content = json.loads(self._run_json.read_text())
        if target.kind == "backend":
            pid: int | None = content["backends"][target.name]["pid"]
        else:
            pid = content["apps"][target.name][f"{target.kind}_pid"]
        return pid

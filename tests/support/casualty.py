"""Kills processes of a shop that heals itself, and shops on regardless."""

import json
import os
import signal
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.support.client import FINAL, Client, eventually

BACK_SECONDS = 30


class Casualties:
    """The processes of one shop, by the names that run.json gives them; always as they are now."""

    def __init__(self, run_json: Path) -> None:
        self._run_json = run_json

    def pid(self, kind: str, name: str) -> int | None:
        """`kind` is `app`, `daprd` or `backend`; None while the process does not live."""
        content = json.loads(self._run_json.read_text())
        pid: int | None
        pid = content["backends"][name]["pid"] if kind == "backend" else content["apps"][name][f"{kind}_pid"]
        return pid

    async def kill(self, kind: str, name: str) -> int:
        """`kill -9` at once, or as soon as it lives; the pid that it had."""
        pid = await eventually(lambda: self._pid(kind, name), lambda pid: pid is not None, seconds=BACK_SECONDS)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    async def new_pid(self, kind: str, name: str, *, old: int) -> int:
        """The pid of the one that was started in its place, which lives."""
        pid = await eventually(lambda: self._pid(kind, name), lambda pid: pid not in (None, old), seconds=BACK_SECONDS)
        assert pid is not None
        assert psutil.pid_exists(pid)
        return pid

    async def _pid(self, kind: str, name: str) -> int | None:
        return self.pid(kind, name)


async def order_whatever_happens(client: Client, *, seconds: float) -> dict[str, Any]:
    """Place the cart's order, again under the same key while there is no answer or a 5xx, and follow it to its end."""
    key = uuid.uuid4().hex

    async def place() -> str:
        try:
            answer = await client.place(key=key)
        except (aiohttp.ClientError, TimeoutError):
            return ""
        assert answer.status == 202 or answer.status >= 500 or answer.status in (409, 429), answer.body
        return str(answer.json["id"]) if answer.status == 202 else ""

    order_id = await eventually(place, bool, seconds=seconds)

    return await eventually(
        lambda: order_if_answered(client, order_id), lambda order: order["status"] in FINAL, seconds=seconds
    )


async def order_if_answered(client: Client, order_id: str) -> dict[str, Any]:
    """The order; `{"status": "unknown"}` while nobody says."""
    try:
        answer = await client.call("GET", f"/api/v1/orders/{order_id}")
    except (aiohttp.ClientError, TimeoutError):
        return {"status": "unknown"}
    return dict(answer.json) if answer.status == 200 else {"status": "unknown"}

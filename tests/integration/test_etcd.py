"""A cluster of three outlives the loss of any one member, the leader too, and a member that comes back counts again."""

import json
import urllib.request
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import psutil
import pytest

from tests.support.client import Client, eventually
from tests.support.processes import killed_backend
from tools.local.etcd import MEMBERS
from tools.local.waiting import answers_ok

pytestmark = [pytest.mark.looks_into(state="etcd"), pytest.mark.timeout(180)]

ORDERS = 3


def ask(run_json: dict[str, Any], member: str) -> dict[str, Any]:
    """What a member says of itself: `leader`, `raftAppliedIndex`, and its own id in `header`."""
    url = f"http://127.0.0.1:{run_json['backends'][member]['port']}/v3/maintenance/status"
    with urllib.request.urlopen(url, data=b"{}", timeout=5) as answer:
        return dict(json.load(answer))


def leader_of(run_json: dict[str, Any]) -> str:
    said = {member: ask(run_json, member) for member in MEMBERS}
    return next(member for member, status in said.items() if status["leader"] == status["header"]["member_id"])


def lost(run_json: dict[str, Any], member: str) -> AbstractContextManager[None]:
    """Inside the block the member is dead; after it, it serves again as part of the cluster."""
    backend = run_json["backends"][member]
    command = psutil.Process(backend["pid"]).cmdline()
    is_ready = partial(answers_ok, f"http://127.0.0.1:{backend['port']}/health")
    return killed_backend(run_json, member, command, is_ready)


async def test_orders_go_on_without_one_member_which_then_comes_back(
    admin: Client, shopper: Client, run_json: dict[str, Any]
) -> None:
    product = await admin.new_product(quantity=3 * ORDERS)

    async def buy() -> None:
        for _ in range(ORDERS):
            await shopper.fill_cart(product["id"], 1)
            assert (await shopper.follow((await shopper.place()).expect(202)["id"]))["status"] == "paid"

    first = leader_of(run_json)
    with lost(run_json, first):
        await buy()
    others = [member for member in MEMBERS if member != first]
    reached = max(int(ask(run_json, member)["raftAppliedIndex"]) for member in others)

    async def applied() -> int:
        return int(ask(run_json, first)["raftAppliedIndex"])

    await eventually(applied, lambda index: index >= reached)
    with lost(
        run_json, leader_of(run_json)
    ):  # two are left, of which the one that was away is one: a majority only with it
        await buy()
    await buy()
    await eventually(lambda: admin.stock(product["sku"]), lambda stock: (stock["on_hand"], stock["reserved"]) == (0, 0))

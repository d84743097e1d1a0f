"""Waits, within bounds, until a shop has come to rest after a storm, and gathers what is to be counted."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tools.audit.__main__ import audit
from tools.local.api import Api
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.storm.account import FINAL, Aftermath, KillRecord, Mails, Promise, Telling
from tools.storm.client import Client
from tools.storm.mailbox import Mailbox
from tools.storm.tellings import expected_mails

ENDED_SECONDS = 300.0
TOLD_SECONDS = 150.0
SOUND_SECONDS = 120.0
LOOK_SECONDS = 2.0
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """Who took part: `clients` are all accounts that ordered, `skus` all that they could order."""

    home: Home
    admin: Client
    clients: Sequence[Client]
    skus: Sequence[str]


async def gather(
    scene: Scene,
    *,
    planned: int,
    promises: Sequence[Promise],
    kills: Sequence[KillRecord],
    progress: Callable[[str], None],
) -> Aftermath:
    """What there is to count. Orders that end, mails that come and breaches that heal in time are none. Raises Unanswered, LocalError."""
    progress("waiting until every order has ended")
    orders, owners = await _orders_at_rest(scene, promises, progress)
    mailbox = Mailbox(scene.home.mail)
    after = Aftermath(planned, promises, orders, owners, {}, Mails(), frozenset(), {}, kills)
    progress("waiting until every mail has come")
    unconfirmed = await _mails_at_rest(scene, mailbox, expected_mails(after))
    progress("auditing")
    audited = await asyncio.to_thread(_audit, scene.home)
    stocks = await _stocks(scene)
    return replace(after, stocks=stocks, mails=mailbox.count(), unconfirmed=unconfirmed, audit=audited)


async def _orders_at_rest(
    scene: Scene, promises: Sequence[Promise], progress: Callable[[str], None]
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    deadline = time.monotonic() + ENDED_SECONDS
    while True:
        lists = await asyncio.gather(*(client.list_orders() for client in scene.clients))
        orders = {order["id"]: order for listed in lists for order in listed}
        moving = [promise for promise in promises if not _is_at_rest(promise, orders)]
        if moving:
            progress(f"{len(moving)} are under way: {', '.join(_named(moving[:MOST_NAMED], orders))}")
        if time.monotonic() > deadline or not moving:
            owners = {
                order["id"]: client.email
                for client, listed in zip(scene.clients, lists, strict=True)
                for order in listed
            }
            return orders, owners
        await asyncio.sleep(LOOK_SECONDS)


def _is_at_rest(promise: Promise, orders: dict[str, dict[str, Any]]) -> bool:
    statuses = {orders[order_id]["status"] if order_id in orders else "" for order_id in promise.order_ids}
    return statuses <= ({"cancelled"} if promise.cancel_accepted else set(FINAL))


def _named(promises: Sequence[Promise], orders: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{order_id} ({orders.get(order_id, {}).get('status', 'missing')})"
        for promise in promises
        for order_id in sorted(promise.order_ids)
    ]


async def _stocks(scene: Scene) -> dict[str, dict[str, int]]:
    answers = {sku: await scene.admin.insist("GET", f"/api/v1/inventory/{sku}", until={200}) for sku in scene.skus}
    return {sku: stock for sku, (_, stock) in answers.items()}


async def _mails_at_rest(scene: Scene, mailbox: Mailbox, expected: set[Telling]) -> frozenset[Telling]:
    """Once there are all mails, or the time is over: those missing whose messages say that they may have been sent."""
    deadline = time.monotonic() + TOLD_SECONDS
    while True:
        missing = sorted(expected - mailbox.count().keys())
        unconfirmed = frozenset([telling for telling in missing if await _is_unconfirmed(scene.admin, telling)])
        if len(unconfirmed) == len(missing) or time.monotonic() > deadline:
            return unconfirmed
        await asyncio.sleep(LOOK_SECONDS)


async def _is_unconfirmed(admin: Client, telling: Telling) -> bool:
    _, order_id, status = telling
    path = f"/api/v1/audit/notifications?event_ids={order_id}:{status}"
    _, page = await admin.insist("GET", path, until={200})
    return any(message["mail"] == "unconfirmed" for message in page["items"])


def _audit(home: Home) -> dict[str, list[str]]:
    """Breaches by invariant, once there are none or the time is over. Raises LocalError when the shop cannot be asked by then."""
    running = json.loads(home.run_json.read_text())
    deadline = time.monotonic() + SOUND_SECONDS
    while True:
        is_last = time.monotonic() > deadline
        try:
            api = Api(running["gateway_url"]).logged_in(running["admin"]["email"], running["admin"]["password"])
            breaches = audit(api, grace=timedelta(0)).breaches
            if not breaches or is_last:
                found: dict[str, list[str]] = {}
                for breach in breaches:
                    found.setdefault(str(breach.kind), []).append(f"{breach.subject}: {breach.detail}")
                return found
        except LocalError:
            if is_last:
                raise
        time.sleep(LOOK_SECONDS)

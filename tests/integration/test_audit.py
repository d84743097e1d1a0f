"""The audit of a real shop: clean after orders that ended in every way, and each planted breach found, alone and by name."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.notifications.domain import MailStatus, Message, message_id
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.orders import OrderPaid
from tests.conftest import RunningShop
from tests.support.breaches import QUANTITY, plant
from tests.support.client import Client, eventually
from tests.support.vault import Vault
from tools.audit.facts import Facts
from tools.audit.gathering import gather
from tools.audit.invariants import Kind, examine
from tools.local.api import Api
from tools.local.home import PROJECT

DECLINED = ("tok_chargeDeclined", "tok_fraud", "tok_captureFails")
LISTINGS = ("orders", "stock", "reservations", "payments", "notifications?event_ids=x", "dead-letters/inventory")


@pytest.fixture
async def vault(run_json: dict[str, Any], api_token: str) -> AsyncIterator[Vault]:
    vault = Vault(run_json, api_token)
    yield vault
    await vault.close()


async def look(admin: Client) -> Facts:
    return await asyncio.to_thread(gather, Api(admin.url, admin.token))


async def found_among(admin: Client, subjects: set[str]) -> dict[str, Kind]:
    """The breaches of these SKUs and orders, without any grace."""
    facts = await look(admin)
    seen = facts.orders.keys() | facts.stocks.keys() | {letter.id for letter in facts.letters}
    assert subjects <= seen, "the audit does not see all"
    report = examine(facts, now=datetime.now(UTC), grace=timedelta(0))
    return {breach.subject: breach.kind for breach in report.breaches if breach.subject in subjects}


async def is_clean(admin: Client, subjects: set[str]) -> None:
    """The events of the last moment may still be under way."""
    await eventually(lambda: found_among(admin, subjects), lambda found: found == {}, seconds=60)


async def order(shop_url: str, product: dict[str, Any], *tokens: str, quantity: int = QUANTITY) -> list[str]:
    """An order with each token, all paid or cancelled by now; each of another shopper, whose cart knows of no other order."""
    order_ids = []
    for token in tokens:
        async with Client(shop_url) as shopper:
            await shopper.register()
            await shopper.fill_cart(product["id"], quantity)
            placed = (await shopper.place(token)).expect(202)
            order_ids.append(str(placed["id"]))
            await shopper.follow(order_ids[-1])
    return order_ids


async def test_orders_that_ended_in_every_way_leave_a_clean_shop(admin: Client, shop_url: str) -> None:
    product = await admin.new_product(quantity=50)
    ordered = await order(shop_url, product, *["tok_visa"] * 3, *DECLINED)
    ordered += await order(shop_url, product, "tok_visa", quantity=100)
    _, undone, shipped, *_ = ordered
    (await admin.call("POST", f"/api/v1/orders/{undone}/cancel")).expect(202)
    (await admin.call("POST", f"/api/v1/orders/{shipped}/ship")).expect(200)
    await admin.follow(undone, "cancelled")
    await is_clean(admin, {product["sku"], *ordered})
    facts = await look(admin)
    statuses = [facts.orders[order_id].status for order_id in ordered]
    assert statuses == ["paid", "cancelled", "shipped", "cancelled", "cancelled", "cancelled", "cancelled"]
    assert {facts.reservations[order_id].status for order_id in ordered[3:6]} == {"released"}
    assert ordered[6] not in facts.reservations


OF_EVENTS = (Kind.EVENT_UNDELIVERED,)
OF_STOCK = (Kind.STOCK_UNBALANCED, Kind.RESERVED_DIFFERS, Kind.SOLD_DIFFERS)
OF_DECLINED_ORDERS = (Kind.ORDER_STUCK, Kind.HOLD_ORPHANED, Kind.SALE_UNPAID, Kind.WORKFLOW_ORPHANED)


async def test_each_planted_breach_is_found_alone(
    admin: Client, shop: RunningShop, shop_url: str, vault: Vault
) -> None:
    product = await admin.new_product(quantity=100)
    planted: dict[str, Kind] = {(await admin.new_product())["sku"]: kind for kind in OF_STOCK}
    kinds = [kind for kind in Kind if kind not in (*OF_STOCK, *OF_EVENTS)]
    tokens = ["tok_chargeDeclined" if kind in OF_DECLINED_ORDERS else "tok_visa" for kind in kinds]
    ordered = await order(shop_url, product, *tokens)
    planted |= dict(zip(ordered, kinds, strict=True))
    subjects = {product["sku"], *planted}
    await is_clean(admin, subjects)

    for subject, kind in planted.items():
        await plant(vault, kind, subject, product)
    assert await found_among(admin, subjects) == planted

    code, lines = await run_command(shop)
    breaches = [line.split(": ", 2) for line in lines if line.count(": ") >= 2]
    told = {subject: kind for kind, subject, _ in breaches if subject in subjects}
    assert (code, told) == (1, {subject: str(kind) for subject, kind in planted.items()})

    await vault.repair()
    await is_clean(admin, subjects)


async def run_command(shop: RunningShop) -> tuple[int | None, list[str]]:
    """Exit code of `python -m tools.audit` without any grace, and a line for each breach and what it tells besides."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.audit", "--grace-seconds", "0"),
        cwd=PROJECT,
        env={**os.environ, "PLAZA_HOME": str(shop.home.root)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode, [line for line in output.decode().splitlines() if ": " in line]


async def test_an_undelivered_event_and_an_unconfirmed_mail_are_told(
    admin: Client, shop: RunningShop, shop_url: str, vault: Vault
) -> None:
    product = await admin.new_product(quantity=QUANTITY)
    (paid,) = await order(shop_url, product, "tok_visa")
    await is_clean(admin, {product["sku"], paid})
    found = await admin.order(paid)
    event = OrderPaid(
        event_id=f"{paid}:paid",
        occurred_at=datetime.now(UTC),
        order_id=paid,
        user_id=found["user_id"],
        total=Amount(**found["total"]),
    )
    letter_id = await vault.bury(event, "inventory")

    async def letters() -> list[str]:
        return [letter.id for letter in (await look(admin)).letters]

    await eventually(letters, lambda seen: letter_id in seen)
    for status in ("confirmed", "paid"):
        key = f"message/{message_id(f'{paid}:{status}')}"
        await vault.change("notifications", key, Message, lambda found: replace(found, mail=MailStatus.UNCONFIRMED))
    subjects = {product["sku"], paid, letter_id}
    assert await found_among(admin, subjects) == {letter_id: Kind.EVENT_UNDELIVERED}
    code, lines = await run_command(shop)
    assert (code, [line for line in lines if letter_id in line]) == (
        1,
        [f"event-undelivered: {letter_id}: inventory could not handle {event.type} {paid}:paid: make dead-letters"],
    )
    (unconfirmed,) = [line for line in lines if "mails unconfirmed: " in line]
    assert {f"{paid}:confirmed", f"{paid}:paid"} <= set(unconfirmed.partition(": ")[2].split(", "))

    (await admin.call("POST", f"/api/v1/audit/dead-letters/inventory/{letter_id}/replay")).expect(200)
    await is_clean(admin, subjects)


async def test_admins_alone_see_the_listings(admin: Client, shopper: Client, shop_url: str) -> None:
    async with AsyncExitStack() as stack:
        guest = await stack.enter_async_context(Client(shop_url))
        for listing in LISTINGS:
            path = f"/api/v1/audit/{listing}"
            (await guest.call("GET", path)).problem(401)
            (await shopper.call("GET", path)).problem(403)
            (await admin.call("GET", path)).expect(200)


async def test_listings_are_paged_and_refuse_foreign_cursors(admin: Client, shop_url: str) -> None:
    product = await admin.new_product(quantity=9)
    ordered = await order(shop_url, product, *["tok_visa"] * 3)
    for listing, name in (
        ("orders", "order_id"),
        ("reservations", "order_id"),
        ("payments", "order_id"),
        ("stock", "sku"),
    ):
        whole = await pages(admin, listing, name, limit=100)
        piecemeal = await pages(admin, listing, name, limit=7)
        assert set(whole) <= set(piecemeal), f"{listing}: pages of 7 miss entries that pages of 100 have"
        assert set([product["sku"]] if listing == "stock" else ordered) <= set(whole)
        for cursor in ("zzz", "LTE", "MS4tMQ"):
            (await admin.call("GET", f"/api/v1/audit/{listing}?cursor={cursor}")).problem(400)
        for limit in ("0", "101", "x"):
            (await admin.call("GET", f"/api/v1/audit/{listing}?limit={limit}")).problem(422)
    (await admin.call("GET", "/api/v1/audit/notifications")).problem(422)


async def pages(admin: Client, listing: str, name: str, *, limit: int) -> list[str]:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        suffix = f"&cursor={cursor}" if cursor else ""
        page = (await admin.call("GET", f"/api/v1/audit/{listing}?limit={limit}{suffix}")).expect(200)
        assert len(page["items"]) <= limit
        seen += [item[name] for item in page["items"]]
        cursor = page["next_cursor"]
    return seen

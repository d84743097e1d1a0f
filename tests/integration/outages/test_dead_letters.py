"""What a consumer cannot handle is tried again a few times, then seen by an operator, and has its effect once when it is replayed."""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.inventory import domain
from apps.inventory.domain import Reservation, Stocks
from apps.inventory.store import DaprInventoryStore
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.orders import OrderPaid
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.state import StateStore
from tests.integration.outages.conftest import TRIES, killed_postgres
from tests.support.client import Client, eventually
from tests.support.mail import mails_to
from tests.support.metrics import answers_of
from tests.support.processes import killed_app
from tools.deadletters import CONSUMERS, DEAD_LETTERS
from tools.local.home import PROJECT, Home

Letter = dict[str, Any]

GIVEN_UP_SECONDS = 30


def paid(user_id: str) -> OrderPaid:
    """An event of an order that nobody has placed."""
    order_id = f"ord_test{uuid.uuid4().hex}"
    return OrderPaid(
        event_id=f"{order_id}:paid",
        occurred_at=datetime.now(UTC),
        order_id=order_id,
        user_id=user_id,
        total=Amount(amount_minor=1250, currency="USD"),
    )


async def letters_of(admin: Client, consumer: str) -> list[Letter]:
    page = (await admin.call("GET", f"{DEAD_LETTERS}/{consumer}?limit=100")).expect(200)
    return list(page["items"])


async def letter_of(admin: Client, consumer: str, event_id: str) -> Letter:
    """The one letter about an event, once it is there."""

    async def look() -> list[Letter]:
        return [letter for letter in await letters_of(admin, consumer) if letter["event_id"] == event_id]

    (letter,) = await eventually(look, bool, seconds=GIVEN_UP_SECONDS)
    return letter


def replay_path(consumer: str, letter: Letter) -> str:
    return f"{DEAD_LETTERS}/{consumer}/{letter['id']}/replay"


async def run_command(home: Home, *arguments: str) -> tuple[int | None, list[str]]:
    """Exit code and lines of `python -m tools.deadletters`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.deadletters", *arguments),
        cwd=PROJECT,
        env={**os.environ, "PLAZA_HOME": str(home.root)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode().splitlines()


async def reserve(sidecars: dict[str, Sidecar], order_id: str, sku: str) -> None:
    """Hold one unit for the order, as inventory itself does."""

    def decide(earlier: Reservation | None, stocks: Stocks) -> tuple[Reservation, Stocks]:
        return domain.reserve(earlier, order_id=order_id, wanted={sku: 1}, stocks=stocks, at=datetime.now(UTC))

    store = DaprInventoryStore(StateStore(sidecars["inventory"], "statestore"))
    await store.change(order_id, [sku], decide, at=datetime.now(UTC))


async def counts(admin: Client, sku: str) -> tuple[int, int, int]:
    """Available, reserved, sold."""
    stock = await admin.stock(sku)
    return stock["available"], stock["reserved"], stock["sold"]


async def test_an_event_that_fails_is_tried_a_few_times_and_replayed_once_its_cause_is_gone(
    admin: Client,
    shopper: Client,
    publisher: Publisher,
    sidecars: dict[str, Sidecar],
    run_json: dict[str, Any],
    home: Home,
) -> None:
    product = await admin.new_product(quantity=5)
    event = paid(shopper.user_id)
    before = await answers_of(run_json, "inventory", "/events/orders")
    await publisher.publish(event)
    letter = await letter_of(admin, "inventory", event.event_id)
    tries = await answers_of(run_json, "inventory", "/events/orders")
    assert tries.get("500", 0) - before.get("500", 0) == TRIES
    assert (letter["type"], letter["handled_at"]) == (OrderPaid.type, None)

    problem = (await admin.call("POST", replay_path("inventory", letter))).problem(409)
    assert "ReservationEnded" in problem["detail"]
    code, lines = await run_command(home)
    assert (code, [line.split()[-1] for line in lines if letter["id"] in line]) == (1, [event.event_id])

    await reserve(sidecars, event.order_id, product["sku"])
    _, lines = await run_command(home, "--replay", event.event_id)
    assert lines[0] == f"inventory {letter['id']}: handled"
    assert await counts(admin, product["sku"]) == (4, 0, 1)
    handled = (await admin.call("POST", replay_path("inventory", letter))).expect(200)
    await publisher.publish(event)
    assert handled == await letter_of(admin, "inventory", event.event_id)
    assert handled["handled_at"] is not None
    assert await counts(admin, product["sku"]) == (4, 0, 1)


async def test_what_is_no_event_waits_for_an_operator_and_keeps_no_other_event_waiting(
    admin: Client, shopper: Client, sidecars: dict[str, Sidecar], home: Home
) -> None:
    malformed, path = f"bad-{uuid.uuid4().hex}", "/v1.0/publish/pubsub/orders"
    parameters = {"metadata.cloudevent.id": malformed, "metadata.cloudevent.type": OrderPaid.type}
    await sidecars["orders"].call("POST", path, json={"nothing": "that anyone knows"}, params=parameters)
    garbage = f"no event \x00 {uuid.uuid4().hex}"
    sent = await sidecars["orders"].request(
        "POST",
        path,
        body=garbage.encode(),
        params={"metadata.rawPayload": "true"},
        headers={"content-type": "text/plain"},
    )
    assert sent.status == 204
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    order = (await shopper.place()).expect(202)
    await shopper.follow(order["id"], "paid")
    await eventually(lambda: counts(admin, product["sku"]), lambda seen: seen == (0, 0, 1))

    for consumer in CONSUMERS:
        letter = await letter_of(admin, consumer, malformed)
        problem = (await admin.call("POST", replay_path(consumer, letter))).problem(422)
        assert problem["detail"].startswith(f"This is no {OrderPaid.type}: ")
        (letter,) = await eventually(
            lambda consumer=consumer: _with_text(admin, consumer, garbage),  # type: ignore[misc]
            bool,
        )
        assert (letter["event_id"], letter["type"]) == ("", "")
        (await admin.call("POST", replay_path(consumer, letter))).problem(422)
        (await admin.call("DELETE", f"{DEAD_LETTERS}/{consumer}/{letter['id']}")).expect(204)
        (await admin.call("DELETE", f"{DEAD_LETTERS}/{consumer}/{letter['id']}")).problem(404)
        assert await _with_text(admin, consumer, garbage) == []
    _, lines = await run_command(home, "--discard", malformed)
    assert [line.split()[-1] for line in lines[:3]] == ["discarded"] * 3
    for consumer in CONSUMERS:
        assert [letter for letter in await letters_of(admin, consumer) if letter["event_id"] == malformed] == []


async def _with_text(admin: Client, consumer: str, text: str) -> list[Letter]:
    return [letter for letter in await letters_of(admin, consumer) if letter["text"] == text]


async def test_a_notification_that_could_not_be_made_is_made_good_and_names_nobody(
    admin: Client, shopper: Client, publisher: Publisher, run_json: dict[str, Any], mail_directory: Path
) -> None:
    event = paid(shopper.user_id)
    with killed_app(run_json, "users"):
        await publisher.publish(event)
        letter = await letter_of(admin, "notifications", event.event_id)
        assert await mail_statuses(shopper) == ["failed"]
    assert shopper.email not in letter["text"]
    assert "Ada" not in letter["text"]
    for _ in range(2):
        await eventually(
            lambda: admin.call("POST", replay_path("notifications", letter)), lambda answer: answer.status == 200
        )
    assert await mail_statuses(shopper) == ["sent"]
    assert len(await mails_to(mail_directory, shopper.email)) == 1


async def mail_statuses(client: Client) -> list[str]:
    items = (await client.call("GET", "/api/v1/notifications")).expect(200)["items"]
    return [item["mail"] for item in items]


@pytest.mark.looks_into(state="postgres")
async def test_letters_that_cannot_be_kept_for_long_are_not_lost(
    admin: Client,
    shopper: Client,
    publisher: Publisher,
    sidecars: dict[str, Sidecar],
    run_json: dict[str, Any],
    home: Home,
) -> None:
    product = await admin.new_product(quantity=5)
    events = [paid(shopper.user_id) for _ in range(3)]
    for event in events:
        await reserve(sidecars, event.order_id, product["sku"])
    assert await counts(admin, product["sku"]) == (2, 3, 0)
    before = await answers_of(run_json, "inventory", "/dead-letters")

    async def refused_letters() -> int:
        return (await answers_of(run_json, "inventory", "/dead-letters")).get("503", 0) - before.get("503", 0)

    with killed_postgres(home, run_json):
        for event in events:
            await publisher.publish(event)
        await eventually(refused_letters, lambda count: count > len(events) * TRIES, seconds=GIVEN_UP_SECONDS)
    for event in events:
        letter = await letter_of(admin, "inventory", event.event_id)
        (await admin.call("POST", replay_path("inventory", letter))).expect(200)
    assert await counts(admin, product["sku"]) == (2, 0, 3)


async def test_admins_alone_see_and_replay(admin: Client, shopper: Client, shop_url: str) -> None:
    async with Client(shop_url) as guest:
        for consumer in CONSUMERS:
            listing = f"{DEAD_LETTERS}/{consumer}"
            replay = f"{listing}/dlt_nobody/replay"
            letter = f"{listing}/dlt_nobody"
            for method, path in (("GET", listing), ("POST", replay), ("DELETE", letter)):
                (await guest.call(method, path)).problem(401)
                (await shopper.call(method, path)).problem(403)
            (await admin.call("POST", replay)).problem(404)
            (await admin.call("GET", f"{listing}?cursor=nonsense!")).problem(400)

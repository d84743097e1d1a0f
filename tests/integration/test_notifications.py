"""Messages and mails of real events: one each however often an event comes; no mail twice, whatever becomes of it half-way."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.notifications.domain import MAIL_LEASE, MailStatus, Message, message_id
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.orders import (
    FailureCode,
    OrderCancelled,
    OrderConfirmed,
    OrderEvent,
    OrderShipped,
)
from apps.shared.platform.identity import USER_ID_HEADER
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.state import StateStore, Transaction
from tests.conftest import RunningShop
from tests.support.client import Client, eventually
from tests.support.mail import RefusingServer, SlowServer, mail_server, mail_server_gone, mails_to
from tests.support.metrics import answers_of
from tests.support.processes import killed_app

NOTIFICATIONS = "/api/v1/notifications"


@pytest.fixture
async def publisher(run_json: dict[str, Any], api_token: str) -> AsyncIterator[Publisher]:
    """Publishes as the service `orders` does."""
    sidecar = Sidecar(port=run_json["apps"]["orders"]["dapr_http_port"], token=api_token)
    yield Publisher(sidecar)
    await sidecar.close()


def facts(shopper: Client, *, amount_minor: int = 1250, currency: str = "USD") -> dict[str, Any]:
    """The fields that every event of an order has; the order is known to nobody else, so inventory must not be told that it is paid:

    it would refuse that for a while, during which a broker that keeps an order, such as Kafka, holds back the events behind it.
    """
    order_id = f"ord_test{uuid.uuid4().hex}"
    return {
        "event_id": f"{order_id}:test",
        "occurred_at": datetime.now(UTC),
        "order_id": order_id,
        "user_id": shopper.user_id,
        "total": Amount(amount_minor=amount_minor, currency=currency),
    }


async def messages_of(client: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.call("GET", NOTIFICATIONS)).expect(200)["items"]
    return items


async def mail_statuses(client: Client) -> list[str]:
    return [message["mail"] for message in await messages_of(client)]


async def test_an_event_that_comes_many_times_at_once_is_one_message_and_one_mail(
    shopper: Client, publisher: Publisher, mail_directory: Path
) -> None:
    event = OrderShipped(**facts(shopper))
    await asyncio.gather(*(publisher.publish(event) for _ in range(6)))
    await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["sent"])
    await publisher.publish(event)
    await asyncio.sleep(2)
    (message,) = await messages_of(shopper)
    assert (message["kind"], message["title"]) == ("order_shipped", "Your order is on its way")
    assert (message["order_id"], message["mail"]) == (event.order_id, "sent")
    assert message["id"].startswith("ntf_")
    (mail,) = await mails_to(mail_directory, shopper.email)
    assert mail.startswith("Your order is on its way\n")
    assert "Hello Ada Byron," in mail
    assert event.order_id in mail


async def test_the_mail_arrives_as_it_was_written(shopper: Client, publisher: Publisher, mail_directory: Path) -> None:
    profile = {"name": 'Zoë "<b>Z</b>" \\ 😀 ' + "x" * 70}
    (await shopper.call("PUT", f"/api/v1/users/{shopper.user_id}", profile)).expect(200)
    base = facts(shopper, amount_minor=1_234_500, currency="JPY")
    reason = 'Only 1 of "A&B" <left> \\ since\tnoon.'
    await publisher.publish(OrderCancelled(**base, code=FailureCode.OUT_OF_STOCK, message=reason))
    await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["sent"])
    (message,) = await messages_of(shopper)
    assert 'Only 1 of "A&B" <left> \\ since noon.' in message["body"]
    assert "1,234,500 JPY" in message["body"]
    (mail,) = await mails_to(mail_directory, shopper.email)
    assert "Zoë &#34;&lt;b&gt;Z&lt;/b&gt;&#34; \\ 😀 xxx" in mail
    assert "<b>Z" not in mail
    assert "A&amp;B" in mail
    assert "1,234,500 JPY" in mail


async def test_pages_come_newest_first_and_are_the_callers_own(
    shopper: Client, publisher: Publisher, shop_url: str
) -> None:
    order_ids: list[str] = []
    for kind in (OrderConfirmed, OrderShipped, OrderConfirmed):
        event: OrderEvent = kind(**facts(shopper))
        await publisher.publish(event)
        await eventually(lambda: mail_statuses(shopper), lambda seen: seen == ["sent"] * (len(order_ids) + 1))
        order_ids.insert(0, event.order_id)
    first = (await shopper.call("GET", f"{NOTIFICATIONS}?limit=2")).expect(200)
    rest = (await shopper.call("GET", f"{NOTIFICATIONS}?limit=2&cursor={first['next_cursor']}")).expect(200)
    assert [item["order_id"] for item in first["items"] + rest["items"]] == order_ids
    assert (len(first["items"]), rest["next_cursor"]) == (2, None)
    (await shopper.call("GET", f"{NOTIFICATIONS}?cursor=nonsense!")).problem(400)
    (await shopper.call("GET", f"{NOTIFICATIONS}?limit=101")).problem(422)
    async with Client(shop_url) as stranger:
        (await stranger.call("GET", NOTIFICATIONS)).problem(401)
        await stranger.register()
        assert await messages_of(stranger) == []


async def test_a_person_whom_nobody_knows_gets_no_mail(
    shopper: Client, publisher: Publisher, run_json: dict[str, Any], api_token: str
) -> None:
    user_id = f"usr_gone{uuid.uuid4().hex}"
    await publisher.publish(OrderShipped(**{**facts(shopper), "user_id": user_id}))
    gateway = Sidecar(port=run_json["apps"]["gateway"]["dapr_http_port"], token=api_token)
    path, headers = f"/v1.0/invoke/notifications/method{NOTIFICATIONS}", {USER_ID_HEADER: user_id}

    async def statuses() -> list[str]:
        return [message["mail"] for message in (await gateway.request("GET", path, headers=headers)).json()["items"]]

    await eventually(statuses, lambda seen: seen == ["undeliverable"])
    await gateway.close()


async def test_a_mail_that_is_refused_is_sent_once_the_server_takes_it(
    shopper: Client, publisher: Publisher, shop: RunningShop, mail_directory: Path
) -> None:
    event, server = OrderShipped(**facts(shopper)), RefusingServer()
    with mail_server_gone(shop.run_json) as port:
        with mail_server(server, port):
            await publisher.publish(event)
            await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["failed"])
            assert shopper.email in server.refused
        await asyncio.sleep(0.5)
        assert await mails_to(mail_directory, shopper.email) == []
    await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["sent"])
    await asyncio.sleep(1)
    assert len(await mails_to(mail_directory, shopper.email)) == 1
    assert [str(file) for file in shop.home.logs.iterdir() if shopper.email in file.read_text(errors="replace")] == []


async def test_a_mail_that_nobody_was_there_to_take_is_sent_later(
    shopper: Client, publisher: Publisher, shop: RunningShop, mail_directory: Path
) -> None:
    with mail_server_gone(shop.run_json):
        await publisher.publish(OrderShipped(**facts(shopper)))
        await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["failed"])
    await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["sent"])
    assert len(await mails_to(mail_directory, shopper.email)) == 1


async def test_a_mail_that_was_taken_without_an_answer_is_not_sent_again(
    shopper: Client, publisher: Publisher, shop: RunningShop, mail_directory: Path
) -> None:
    event, server = OrderShipped(**facts(shopper)), SlowServer(breaks_off=True)
    server.told = True
    with mail_server_gone(shop.run_json) as port, mail_server(server, port):
        await publisher.publish(event)
        await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["unconfirmed"])
        assert server.taken == [shopper.email]
    await publish_and_wait(publisher, event, shop.run_json)
    assert await mail_statuses(shopper) == ["unconfirmed"]
    assert await mails_to(mail_directory, shopper.email) == []


async def test_a_mail_whose_sender_was_killed_with_it_is_not_sent_again(
    shopper: Client, publisher: Publisher, shop: RunningShop, api_token: str, mail_directory: Path
) -> None:
    event, server = OrderShipped(**facts(shopper)), SlowServer()
    sidecar = Sidecar(port=shop.run_json["apps"]["notifications"]["dapr_http_port"], token=api_token)
    with mail_server_gone(shop.run_json) as port, mail_server(server, port):
        await publisher.publish(event)
        await eventually(_of(server), lambda taken: taken == [shopper.email])
        with killed_app(shop.run_json, "notifications"):
            server.told = True
            await let_the_lease_end(sidecar, event)
    await sidecar.close()
    # A sidecar takes some seconds to see that its app is back.
    await eventually(lambda: shopper.call("GET", NOTIFICATIONS), lambda answer: answer.status == 200)
    await eventually(lambda: mail_statuses(shopper), lambda statuses: statuses == ["unconfirmed"])
    await publish_and_wait(publisher, event, shop.run_json)
    assert (await mail_statuses(shopper), server.taken) == (["unconfirmed"], [shopper.email])
    assert await mails_to(mail_directory, shopper.email) == []


def _of(server: SlowServer) -> Callable[[], Awaitable[list[str]]]:
    async def taken() -> list[str]:
        return list(server.taken)

    return taken


async def let_the_lease_end(sidecar: Sidecar, event: OrderEvent) -> None:
    """As if the mail had been claimed so long ago."""
    key = f"message/{message_id(event.event_id)}"

    def decide(transaction: Transaction) -> None:
        message = transaction.find(key, Message)
        assert message is not None
        assert message.mail is MailStatus.SENDING
        transaction.put(key, replace(message, mail_claimed_at=message.mail_claimed_at - MAIL_LEASE))

    await StateStore(sidecar, "statestore").transact([key], decide)


async def publish_and_wait(publisher: Publisher, event: OrderEvent, run_json: dict[str, Any]) -> None:
    """Deliver an event again, and wait until it was handled."""

    async def handled() -> int:
        return (await answers_of(run_json, "notifications", "/events/orders")).get("200", 0)

    before = await handled()
    await publisher.publish(event)
    await eventually(handled, lambda now: now > before)

"""A database that dies while a mail is handed over leaves it neither sent twice nor in doubt."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.shared.contracts.amount import Amount
from apps.shared.contracts.orders import OrderPaid
from apps.shared.platform.publisher import Publisher
from tests.integration.outages.conftest import killed_postgres
from tests.support.client import Client, eventually
from tests.support.mail import SlowServer, mail_server, mail_server_gone
from tools.local.home import Home

AWAY_SECONDS = 2


@pytest.mark.looks_into(state="postgres")
async def test_a_mail_that_was_sent_while_the_database_was_away_is_noted_as_sent(
    shopper: Client, publisher: Publisher, run_json: dict[str, Any], home: Home
) -> None:
    order_id, server = f"ord_test{uuid.uuid4().hex}", SlowServer()
    event = OrderPaid(
        event_id=f"{order_id}:paid",
        occurred_at=datetime.now(UTC),
        order_id=order_id,
        user_id=shopper.user_id,
        total=Amount(amount_minor=1250, currency="USD"),
    )

    async def taken() -> list[str]:
        return list(server.taken)

    async def statuses() -> list[str]:
        answer = await shopper.call("GET", "/api/v1/notifications")
        return [item["mail"] for item in answer.json["items"]] if answer.status == 200 else []

    with mail_server_gone(run_json) as port, mail_server(server, port):
        await publisher.publish(event)
        await eventually(taken, lambda seen: seen == [shopper.email])
        with killed_postgres(home, run_json):
            server.told = True
            await asyncio.sleep(AWAY_SECONDS)
        assert await eventually(statuses, lambda seen: seen not in ([], ["sending"])) == ["sent"]
    assert server.taken == [shopper.email]

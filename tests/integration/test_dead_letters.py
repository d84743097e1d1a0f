"""What a consumer cannot handle goes to its dead-letter topic, and does not keep the next event from arriving."""

import asyncio
import uuid
from typing import Any

import aiohttp

from tests.support.client import Client, eventually

CONSUMERS = ("inventory", "carts", "notifications")


async def stream_length(secrets: dict[str, Any], stream: str) -> int:
    """XLEN of a Redis stream, asked in Redis's own protocol (RESP)."""
    host, port = secrets["redis"]["host"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for command in (("AUTH", secrets["redis"]["password"]), ("XLEN", stream)):
            parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in command)
            writer.write(f"*{len(command)}\r\n{parts}".encode())
            answer = (await reader.readline()).decode().strip()
        assert answer.startswith(":"), answer
        return int(answer[1:])
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_malformed_event_is_dead_lettered_and_the_next_one_arrives(
    admin: Client, shopper: Client, run_json: dict[str, Any], api_token: str, secrets: dict[str, Any]
) -> None:
    before = {app_id: await stream_length(secrets, f"{app_id}-dead-letters") for app_id in CONSUMERS}
    url = f"http://127.0.0.1:{run_json['apps']['orders']['dapr_http_port']}/v1.0/publish/pubsub/orders"
    parameters = {"metadata.cloudevent.id": uuid.uuid4().hex, "metadata.cloudevent.type": "orders.order-paid.v1"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            url, json={"nothing": "that anyone knows"}, params=parameters, headers={"dapr-api-token": api_token}
        ) as sent,
    ):
        assert sent.status == 204

    async def dead_letters() -> dict[str, int]:
        return {app_id: await stream_length(secrets, f"{app_id}-dead-letters") for app_id in CONSUMERS}

    await eventually(dead_letters, lambda now: all(now[app_id] == before[app_id] + 1 for app_id in CONSUMERS))
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    order = (await shopper.place()).expect(202)
    await shopper.follow(order["id"], "paid")
    await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 1)

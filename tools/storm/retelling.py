"""Publishes real events of orders again: twice at once, late, and the latest first, as a broker may deliver them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from apps.shared.contracts import orders as contract

LATE_SECONDS = 10.0
PERSISTENT_SECONDS = 60.0
PAUSE_SECONDS = 0.5

_EVENTS: dict[str, type[contract.OrderEvent]] = {
    "confirmed": contract.OrderConfirmed,
    "paid": contract.OrderPaid,
    "cancelled": contract.OrderCancelled,
}


class Reteller:
    """Speaks through the sidecar of `orders`; `count` is how many events it has told again."""

    def __init__(self, http: aiohttp.ClientSession, *, sidecar_port: int, token: str) -> None:
        self.count = 0
        self._http, self._token = http, token
        self._url = f"http://127.0.0.1:{sidecar_port}/v1.0/publish/pubsub/{contract.TOPIC}"

    async def retell(self, order: Mapping[str, Any], manner: str) -> None:
        """Every event of the order as it is now, under the same ids: `twice`, `late` or `backwards`."""
        events = events_of(order)
        if manner == "twice":
            await asyncio.gather(*(self._publish(event) for event in (*events, *events)))
            return
        if manner == "late":
            await asyncio.sleep(LATE_SECONDS)
        for event in reversed(events) if manner == "backwards" else events:
            await self._publish(event)

    async def _publish(self, event: contract.OrderEvent) -> None:
        parameters = {
            "metadata.cloudevent.id": event.event_id,
            "metadata.cloudevent.type": event.type,
            "metadata.cloudevent.source": event.topic,
            "metadata.partitionKey": event.partition_key,
        }
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PERSISTENT_SECONDS
        while loop.time() < deadline:
            try:
                async with self._http.post(
                    self._url,
                    json=event.model_dump(mode="json"),
                    params=parameters,
                    headers={"dapr-api-token": self._token},
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    if answer.status == 204:
                        self.count += 1
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE_SECONDS)


def events_of(order: Mapping[str, Any]) -> list[contract.OrderEvent]:
    """The events that an order has caused, in their order, as `orders` itself has published them."""
    events: list[contract.OrderEvent] = []
    for entry in order["timeline"]:
        if kind := _EVENTS.get(entry["status"]):
            failure = order["failure"] if entry["status"] == "cancelled" else {}
            events.append(
                kind.model_validate(
                    {
                        **failure,
                        "event_id": f"{order['id']}:{entry['status']}",
                        "occurred_at": entry["at"],
                        "order_id": order["id"],
                        "user_id": order["user_id"],
                        "total": order["total"],
                    }
                )
            )
    return events

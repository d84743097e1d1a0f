"""Publishes events of `shared.contracts` as CloudEvents 1.0 through Dapr pub/sub."""

from apps.shared.contracts.event import Event
from apps.shared.platform.sidecar import Sidecar


class Publisher:
    """Publishes on one Dapr pub/sub component. Delivery is at least once: consumers drop ids that they have seen."""

    def __init__(self, sidecar: Sidecar, component: str = "pubsub") -> None:
        self._sidecar, self._component = sidecar, component

    async def publish(self, event: Event) -> None:
        """Returns once the broker has the event. Raises SidecarError; publishing the same event again is harmless."""
        await self._sidecar.call(
            "POST",
            f"/v1.0/publish/{self._component}/{event.topic}",
            json=event.model_dump(mode="json"),
            params={
                "metadata.cloudevent.id": event.event_id,
                "metadata.cloudevent.type": event.type,
                "metadata.cloudevent.source": event.topic,
                "metadata.partitionKey": event.partition_key,
            },
        )

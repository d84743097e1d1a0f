"""Keeps a workflow worker at work: reconnects it to a sidecar that came back, and has a sidecar restarted that lost its actors.

Dapr 1.18.2 can lose them when a worker is killed in the midst of work (dapr/dapr#10408): it lives, says that it is healthy, and runs no
workflow and no step any more until it is started anew, which whoever supervises it does once it has shut down.
"""

import asyncio
import logging
import time
from typing import Any, Protocol

from prometheus_client import Counter

from apps.shared.platform.sidecar import SidecarError

LOOK_EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 6.0

RESTARTS = Counter("sidecar_restarts_total", "Wedged sidecars that were asked to shut down", ["service"])

log = logging.getLogger(__name__)


class Patience:
    """Decides from what was seen, and when, whether the sidecar is wedged: wrong at every look for 6 seconds, without a gap."""

    def __init__(self) -> None:
        self._wrong_since: float | None = None

    def is_over(self, *, connected: bool, missing: bool, now: float) -> bool:
        """`missing` counts only while the worker is `connected`. Once it was over, the patience begins anew."""
        if not (connected and missing):
            self._wrong_since = None
            return False
        if self._wrong_since is None:
            self._wrong_since = now
        if now - self._wrong_since < PATIENCE_SECONDS:
            return False
        self._wrong_since = None
        return True


def lacks_workflow_actors(metadata: dict[str, Any]) -> bool:
    """Whether a sidecar's `/v1.0/metadata` misses one of the two actor types that a connected worker brings."""
    app_id = metadata["id"]
    types = {str(actor["type"]) for actor in metadata.get("actors") or ()}
    return not all(
        any(name.startswith("dapr.internal.") and name.endswith(f".{app_id}.{kind}") for name in types)
        for kind in ("workflow", "activity")
    )


class WatchedWorker(Protocol):
    """What the watch asks of a workflow worker."""

    @property
    def connected(self) -> bool: ...

    async def reconnect(self) -> None: ...


class WatchedSidecar(Protocol):
    """What the watch asks of a sidecar."""

    async def call(self, method: str, path: str) -> Any: ...


class Watch:
    """Looks at one sidecar every second until it is cancelled."""

    def __init__(self, sidecar: WatchedSidecar, worker: WatchedWorker, *, service: str) -> None:
        self._sidecar, self._worker, self._service = sidecar, worker, service
        self._patience = Patience()

    async def run(self) -> None:
        while True:
            await self.look(time.monotonic())
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def look(self, now: float) -> None:
        """One look; does what is needed. Nothing is while the sidecar does not answer."""
        try:
            missing = lacks_workflow_actors(await self._sidecar.call("GET", "/v1.0/metadata"))
            connected = self._worker.connected
            if not connected:
                log.info("the sidecar is there and the workflow worker is not connected: connecting it")
                await self._worker.reconnect()
            if self._patience.is_over(connected=connected, missing=missing, now=now):
                log.warning("the sidecar lost its workflow actors, shutting it down to have it restarted")
                RESTARTS.labels(self._service).inc()
                await self._sidecar.call("POST", "/v1.0/shutdown")
        except SidecarError as error:
            log.info("the sidecar could not be watched: %s", error)
            self._patience = Patience()

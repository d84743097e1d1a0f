"""Makes stores safe whose transactions are not: one replica of an app writes, and within it writers take turns.

Dapr's components for Redis and etcd (1.18.3) check the ETags of a transaction, and then write without holding on to what they saw.
A document that changes in between is lost (etcd acknowledges the transaction and drops that write) or the rest of the transaction is
written all the same (Redis). While nobody else writes an app's documents, nothing can change in between.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.shared.platform.sidecar import Sidecar, SidecarError
from apps.shared.turns import Turns

if TYPE_CHECKING:
    from apps.shared.platform.state import StateStore, Transaction

log = logging.getLogger(__name__)

UNGUARDED = frozenset({"state.etcd", "state.redis"})
LEASE_SECONDS = 30.0
RENEWED_AFTER_SECONDS = 10.0
SETTLING_SECONDS = 0.5
"""Longer than two claims that were checked at the same moment take to be written: the later one counts."""

_KEY = "sole-writer"


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write an app's documents, until when (seconds since 1970)."""

    holder: str
    until: float


class AnotherReplicaWritesError(SidecarError):
    """The store takes one replica of an app, and another one has the lease."""

    def __init__(self, store: str, kind: str, holder: str) -> None:
        super().__init__(
            f"write to {store}",
            503,
            "ERR_ANOTHER_REPLICA",
            f"transactions of {kind} are not atomic, so one replica of an app may write, and {holder} does:"
            " run one replica, or use a store such as state.postgresql",
        )


class SoleWriter:
    """The lease of one app on one store. Who holds it is a host and a port, so that an app that was restarted has it at once.

    A process that stands still for longer than the lease, between its last look at it and a write, could still write beside the next.
    """

    def __init__(
        self,
        store: "StateStore",
        kind: str,
        *,
        app_port: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._kind = store, kind
        self._holder = f"{socket.gethostname()}:{app_port or os.environ.get('APP_PORT', '')}"
        self._clock = clock
        self._renew_at = 0.0
        self._claiming = asyncio.Lock()
        self._turns = Turns()

    @asynccontextmanager
    async def turn(self, keys: Sequence[str]) -> AsyncIterator[None]:
        """Be the only one that reads and writes `keys`. Raises AnotherReplicaWritesError, SidecarError."""
        async with self._turns.of(keys):
            await self.ensure()
            yield

    async def ensure(self) -> None:
        """Hold the lease for long enough to write. Raises AnotherReplicaWritesError, SidecarError."""
        if time.monotonic() < self._renew_at:
            return
        async with self._claiming:
            if time.monotonic() >= self._renew_at:
                await self._claim()

    async def _claim(self) -> None:
        began = time.monotonic()
        is_new = await self._store.put_one(_KEY, self._take)
        if is_new:
            await asyncio.sleep(SETTLING_SECONDS)
            found = await self._store.find(_KEY, Lease)
            if found is None or found.holder != self._holder:
                raise AnotherReplicaWritesError(self._store.name, self._kind, found.holder if found else "another")
            log.warning("%s is a %s: this is the only replica that may write to it", self._store.name, self._kind)
        self._renew_at = began + RENEWED_AFTER_SECONDS

    def _take(self, transaction: "Transaction") -> bool:
        """Whether the lease was another's, or nobody's, until now."""
        lease, now = transaction.find(_KEY, Lease), self._clock()
        if lease is not None and lease.holder != self._holder and lease.until > now:
            raise AnotherReplicaWritesError(self._store.name, self._kind, lease.holder)
        transaction.put(_KEY, Lease(self._holder, now + LEASE_SECONDS))
        return lease is None or lease.holder != self._holder


async def sole_writer(sidecar: Sidecar, store: "StateStore") -> SoleWriter | None:
    """What guards `store`; None where its own transactions do. Raises SidecarError."""
    metadata = await sidecar.call("GET", "/v1.0/metadata")
    kinds = {component["name"]: component["type"] for component in metadata["components"]}
    kind = kinds.get(store.name, "")
    if kind not in UNGUARDED:
        return None
    writer = SoleWriter(store, kind)
    await writer.ensure()
    return writer

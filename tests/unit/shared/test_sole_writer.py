"""A store whose transactions lose writes is safe with one writer at a time: the lease, the turns, and who is turned away."""

import asyncio
from typing import Any

import pytest

from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.sole_writer import AnotherReplicaWritesError, SoleWriter
from apps.shared.platform.state import StateStore, Transaction


class Etcd:
    """Dapr's etcd component: a transaction checks its ETags first, lets others in, and then drops what has changed."""

    def __init__(self, kind: str = "state.etcd") -> None:
        self.kind = kind
        self.documents: dict[str, tuple[str, int]] = {}
        self._revision = 0

    async def call(self, _method: str, path: str, *, json: Any = None, **_: Any) -> Any:
        await asyncio.sleep(0)
        if path == "/v1.0/metadata":
            return {"components": [{"name": "statestore", "type": self.kind}]}
        if path.endswith("/bulk"):
            return [self._row(key) for key in json["keys"]]
        requests = [one["request"] for one in json["operations"]] if path.endswith("/transaction") else json
        for request in requests:
            if not self._fits(request):
                raise SidecarError(path, 500, "ERR_STATE_TRANSACTION", "etag mismatch")
        await asyncio.sleep(0)
        for request in requests:
            if "etag" not in request or self._fits(request):
                self._revision += 1
                self.documents[request["key"]] = (request["value"], self._revision)
        return None

    def _fits(self, request: dict[str, Any]) -> bool:
        stored = self.documents.get(request["key"])
        return request.get("etag") == (str(stored[1]) if stored else None)

    def _row(self, key: str) -> dict[str, Any]:
        if key not in self.documents:
            return {"key": key}
        value, revision = self.documents[key]
        return {"key": key, "data": value, "etag": str(revision)}


def count(store: StateStore) -> Any:
    def decide(transaction: Transaction) -> None:
        for key in ("a", "b"):
            found = transaction.find(key, dict[str, int]) or {"value": 0}
            transaction.put(key, {"value": found["value"] + 1})

    return store.transact(["a", "b"], decide)


async def total(store: StateStore) -> list[int]:
    loaded = await store.load(["a", "b"])
    return [(loaded.find(key, dict[str, int]) or {"value": 0})["value"] for key in ("a", "b")]


async def test_without_turns_such_a_store_loses_what_it_has_acknowledged() -> None:
    store = StateStore(Etcd("state.postgresql"), "statestore")  # type: ignore[arg-type]
    await store.open()

    await asyncio.gather(*(count(store) for _ in range(8)), return_exceptions=True)

    assert max(await total(store)) < 8


async def test_with_turns_nothing_is_lost() -> None:
    store = StateStore(Etcd(), "statestore")  # type: ignore[arg-type]
    await store.open()

    await asyncio.gather(*(count(store) for _ in range(8)))

    assert await total(store) == [8, 8]


async def test_a_second_replica_is_turned_away_in_words() -> None:
    etcd = Etcd()
    await SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port="8105").ensure()  # type: ignore[arg-type]

    with pytest.raises(AnotherReplicaWritesError, match=r"transactions of state\.etcd are not atomic.*:8105 does"):
        await SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port="9105").ensure()  # type: ignore[arg-type]


async def test_the_same_replica_started_anew_writes_at_once() -> None:
    etcd = Etcd()
    await SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port="8105").ensure()  # type: ignore[arg-type]

    await SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port="8105").ensure()  # type: ignore[arg-type]


async def test_a_lease_that_ran_out_is_free() -> None:
    etcd = Etcd()
    await SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port="8105", clock=lambda: 1000.0).ensure()  # type: ignore[arg-type]

    await SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port="9105", clock=lambda: 1031.0).ensure()  # type: ignore[arg-type]


async def test_of_two_that_claim_at_once_one_writes() -> None:
    etcd = Etcd()
    writers = [SoleWriter(StateStore(etcd, "statestore"), "state.etcd", app_port=port) for port in ("8105", "9105")]  # type: ignore[arg-type]

    outcomes = await asyncio.gather(*(writer.ensure() for writer in writers), return_exceptions=True)

    assert sum(outcome is None for outcome in outcomes) == 1

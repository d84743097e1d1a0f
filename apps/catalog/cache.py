"""ProductCache over a Dapr state component that may lose everything (Redis), as a cache-aside with a life of 5 minutes.

Entries carry the product's version and never go back: an offer is dropped when a copy is there, so a slow reader cannot undo
what a writer put in. A writer forgets the copy before it saves and replaces it (by a tombstone, if need be) afterwards, so that dying
in between leaves no copy; what the cache did not take from a writer is kept and sent as soon as it answers again. What remains is
bounded by TTL_SECONDS: a replica that dies owing, or a lost entry while a reader holds an older product in its hand.
"""

from collections.abc import Mapping, Sequence

from apps.catalog.patience import Patience
from apps.catalog.ports import CachedProduct
from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.state import DocumentUnreadable, StateConflict, StateStore, Transaction

TTL_SECONDS = 300


class DaprProductCache:
    """See `ports.ProductCache`."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        failures = (SidecarError, StateConflict, DocumentUnreadable)
        self._patience = Patience("the product cache", failures, limit_seconds=0.5)
        self._owed: dict[str, CachedProduct] = {}

    async def find_many(self, product_ids: Sequence[str]) -> dict[str, CachedProduct]:
        if self._owed:
            await self._pay()
        owed = {product_id: self._owed[product_id] for product_id in product_ids if product_id in self._owed}
        asked = [product_id for product_id in product_ids if product_id not in owed]
        loaded = await self._patience.ask(lambda: self._state.load(list(map(_key, asked)))) if asked else None
        if loaded is None:
            return owed
        found = {product_id: _copy(loaded, product_id) for product_id in asked}
        return owed | {product_id: copy for product_id, copy in found.items() if copy is not None}

    async def offer(self, copies: Mapping[str, CachedProduct]) -> None:
        documents = {_key(product_id): copy for product_id, copy in copies.items()}
        await self._patience.ask(lambda: self._state.offer(documents, ttl_seconds=TTL_SECONDS))

    async def replace(self, product_id: str, copy: CachedProduct) -> None:
        self._owed[product_id] = copy
        await self._pay()

    async def forget(self, product_id: str) -> None:
        key = _key(product_id)
        await self._patience.ask(
            lambda: self._state.transact([key], lambda transaction: transaction.delete(key)), insist=True
        )

    async def _pay(self) -> None:
        for product_id, copy in list(self._owed.items()):
            if not await self._keep_newest(product_id, copy):
                return
            if self._owed.get(product_id) is copy:
                del self._owed[product_id]

    async def _keep_newest(self, product_id: str, copy: CachedProduct) -> bool:
        key = _key(product_id)

        def keep_newest(transaction: Transaction) -> bool:
            kept = transaction.find(key, CachedProduct)
            if kept is None or kept.version < copy.version:
                transaction.put(key, copy, ttl_seconds=TTL_SECONDS)
            return True

        return await self._patience.ask(lambda: self._state.put_one(key, keep_newest)) is True


def _copy(loaded: Transaction, product_id: str) -> CachedProduct | None:
    try:
        return loaded.find(_key(product_id), CachedProduct)
    except DocumentUnreadable:
        return None


def _key(product_id: str) -> str:
    return f"product/{product_id}"

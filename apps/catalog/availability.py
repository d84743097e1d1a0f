"""Remembers for a moment what inventory answered, so that a page read by thousands asks a few times a second."""

import time
from collections.abc import Callable, Sequence

from apps.catalog.domain import Intake
from apps.catalog.ports import Inventory
from apps.shared.gathered import Gathered

_MOST_ENTRIES = 50_000


class RememberedAvailability:
    """`ports.Inventory` over another one; what it knows of a SKU is at most `seconds` old."""

    def __init__(
        self, inventory: Inventory, *, seconds: float = 0.3, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._inventory, self._seconds, self._monotonic = inventory, seconds, monotonic
        self._known: dict[str, tuple[float, int]] = {}
        self._questions: Gathered[str, int] = Gathered(self._ask)

    async def find_available(self, skus: Sequence[str], *, fresh: bool = False) -> dict[str, int] | None:
        if fresh:
            return await self._inventory.find_available(skus, fresh=True)
        asked_at = self._monotonic()
        unknown = [sku for sku in dict.fromkeys(skus) if self._age(sku, asked_at) >= self._seconds]
        if unknown:
            try:
                answer = await self._questions.find(unknown)
            except _Unanswered:
                return None
            if len(self._known) + len(answer) > _MOST_ENTRIES:
                self._known.clear()
            self._known |= {sku: (asked_at, units) for sku, units in answer.items()}
        return {sku: self._known[sku][1] for sku in skus if sku in self._known}

    async def receive(self, product_id: str, sku: str, intake: Intake) -> bool:
        settled = await self._inventory.receive(product_id, sku, intake)
        self._known.pop(sku, None)
        return settled

    async def _ask(self, skus: tuple[str, ...]) -> dict[str, int]:
        answer = await self._inventory.find_available(skus)
        if answer is None:
            raise _Unanswered
        return answer

    def _age(self, sku: str, now: float) -> float:
        known = self._known.get(sku)
        return float("inf") if known is None else now - known[0]


class _Unanswered(Exception):
    """Inventory does not answer: nobody who shared the question knows more."""

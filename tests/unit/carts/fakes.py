"""A CartService with everything around it: carts in memory, a catalog of three products."""

from apps.carts import domain
from apps.carts.domain import Cart, Handover, Lines
from apps.carts.service import CartService
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.catalog import Offer
from tests.unit.fakes import NOON, CountingIds


class MemoryCarts:
    """Carts in memory, changed by the same decisions; `crash_before` kills the named operation once."""

    def __init__(self) -> None:
        self.carts: dict[str, Cart] = {}
        self.crash_before = ""

    async def get(self, cart_id: str) -> Cart:
        return self.carts.get(cart_id, Cart())

    async def put(self, cart_id: str, product_id: str, quantity: int, *, expected: Lines | None = None) -> Cart | None:
        if expected not in (None, (await self.get(cart_id)).lines):
            raise domain.CartChanged
        changed = domain.put(await self.get(cart_id), product_id, quantity, NOON)
        if changed is not None:
            self.carts[cart_id] = changed
        return changed

    async def clear(self, cart_id: str) -> None:
        self.carts[cart_id] = domain.clear(await self.get(cart_id), NOON)

    async def take(self, cart_id: str, order_id: str) -> Lines:
        self.carts[cart_id], lines = domain.take(await self.get(cart_id), order_id, NOON)
        return lines

    async def settle(self, cart_id: str, order_id: str, *, restore: bool) -> None:
        self.carts[cart_id] = domain.settle(await self.get(cart_id), order_id, restore=restore, at=NOON)

    async def hand_over(self, cart_id: str, user_id: str) -> Handover | None:
        self.carts[cart_id], handover = domain.hand_over(await self.get(cart_id), cart_id, user_id, NOON)
        return handover

    async def absorb(self, cart_id: str, handover: Handover) -> None:
        self._maybe_crash("absorb")
        self.carts[cart_id] = domain.absorb(await self.get(cart_id), handover.id, handover.lines, NOON)

    async def confirm(self, cart_id: str, handover_id: str) -> None:
        self._maybe_crash("confirm")
        self.carts[cart_id] = domain.confirm(await self.get(cart_id), handover_id)

    def _maybe_crash(self, operation: str) -> None:
        if self.crash_before == operation:
            self.crash_before = ""
            raise KeyboardInterrupt


class FakeCatalog:
    def __init__(self) -> None:
        self.prices = {"pen": ("USD", 150), "ink": ("USD", 700), "tea": ("EUR", 300)}
        self.asked: list[tuple[str, ...]] = []

    async def quote(self, product_ids: tuple[str, ...]) -> dict[str, Offer]:
        self.asked.append(product_ids)
        return {
            key: Offer(
                product_id=key,
                sku=key.upper(),
                name=key,
                price=Amount(amount_minor=self.prices[key][1], currency=self.prices[key][0]),
                vendor_id="usr_v",
            )
            for key in product_ids
            if key in self.prices
        }


class FixedSecrets:
    def token_hex(self, size_bytes: int) -> str:
        return "ab" * size_bytes


class Room:
    def __init__(self) -> None:
        self.carts, self.catalog = MemoryCarts(), FakeCatalog()
        self.service = CartService(carts=self.carts, catalog=self.catalog, ids=CountingIds(), secrets=FixedSecrets())

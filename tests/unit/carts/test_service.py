"""Whose cart it is, what it shows, and what it refuses."""

import pytest

from apps.carts import domain
from apps.carts.domain import Cart, Handover, Lines
from apps.carts.schemas import CartOut
from apps.carts.service import CartService
from apps.catalog.domain import MAX_PRICE_MINOR
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.catalog import Offer
from apps.shared.money import MAX_AMOUNT_MINOR
from tests.unit.fakes import NOON, CountingIds

GUEST = "crt_" + "0" * 42


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


@pytest.fixture
def room() -> Room:
    return Room()


async def test_a_guest_without_a_cart_is_given_a_secret_id(room: Room) -> None:
    assert await room.service.resolve("", "") == "crt_1" + "ab" * 8
    assert await room.service.resolve("", GUEST) == GUEST
    assert await room.service.resolve("usr_1", "") == "usr_1"


@pytest.mark.parametrize("cart_id", ["usr_1", "crt_short", GUEST + "0" * 100, "crt_%2e%2e"])
async def test_only_an_id_that_was_made_here_names_a_guests_cart(room: Room, cart_id: str) -> None:
    for user_id in ("", "usr_2"):
        with pytest.raises(domain.CartIdMalformed):
            await room.service.resolve(user_id, cart_id)


@pytest.mark.parametrize("crash_before", ["", "absorb", "confirm"])
async def test_login_merges_once_even_when_it_dies_half_way(room: Room, crash_before: str) -> None:
    await room.service.put(GUEST, "pen", 2)
    await room.service.put("usr_1", "pen", 1)
    room.carts.crash_before = crash_before
    if crash_before:
        with pytest.raises(KeyboardInterrupt):
            await room.service.resolve("usr_1", GUEST)
    for _ in range(2):
        await room.service.resolve("usr_1", GUEST)
    assert (await room.service.view("usr_1")).lines == {"pen": 3}
    assert (await room.service.view(GUEST)).lines == {}


async def test_a_cart_shows_todays_prices_and_what_is_gone(room: Room) -> None:
    for product_id in ("pen", "ink", "tea"):
        await room.service.put("usr_1", product_id, 2)
    room.catalog.prices["pen"] = ("USD", 999)
    del room.catalog.prices["ink"]
    shown = CartOut.of(await room.service.view("usr_1"))
    assert [(line.product_id, line.unavailable) for line in shown.lines] == [
        ("pen", False),
        ("ink", True),
        ("tea", False),
    ]
    assert shown.totals == [Amount(amount_minor=600, currency="EUR"), Amount(amount_minor=1998, currency="USD")]


async def test_the_fullest_cart_of_the_dearest_products_can_be_summed_up() -> None:
    assert domain.MAX_LINES * domain.MAX_QUANTITY * MAX_PRICE_MINOR <= MAX_AMOUNT_MINOR


@pytest.mark.parametrize("seen", [{}, {"pen": 1}])
async def test_a_line_is_put_only_into_the_cart_that_was_read(room: Room, seen: Lines) -> None:
    await room.service.put("usr_1", "pen", 2)
    with pytest.raises(domain.CartChanged):
        await room.service.put("usr_1", "ink", 1, is_current=lambda cart: cart.lines == seen)
    assert (await room.service.view("usr_1")).lines == {"pen": 2}
    await room.service.put("usr_1", "ink", 1, is_current=lambda cart: cart.lines == {"pen": 2})
    assert (await room.service.view("usr_1")).lines == {"pen": 2, "ink": 1}


async def test_an_empty_cart_asks_nobody(room: Room) -> None:
    assert CartOut.of(await room.service.view("usr_1")) == CartOut(lines=[], totals=[])
    assert room.catalog.asked == []


async def test_only_what_is_for_sale_comes_in_and_anything_may_leave(room: Room) -> None:
    with pytest.raises(domain.ProductUnknown):
        await room.service.put("usr_1", "car", 1)
    await room.service.put("usr_1", "pen", 1)
    del room.catalog.prices["pen"]
    assert (await room.service.put("usr_1", "pen", 0)).lines == {}


async def test_orders_take_restore_and_drop(room: Room) -> None:
    await room.service.put("usr_1", "pen", 1)
    assert await room.service.take("usr_1", "ord_1") == {"pen": 1}
    await room.service.restore("usr_1", "ord_1")
    assert await room.service.take("usr_1", "ord_2") == {"pen": 1}
    await room.service.drop("usr_1", "ord_2")
    await room.service.restore("usr_1", "ord_2")
    assert (await room.service.view("usr_1")).lines == {}
    await room.service.put("usr_1", "pen", 1)
    await room.service.clear("usr_1")
    assert (await room.service.view("usr_1")).lines == {}

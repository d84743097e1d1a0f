"""Whose cart it is, what it shows, and what it refuses."""

import pytest

from apps.carts import domain
from apps.carts.domain import Lines
from apps.carts.schemas import CartOut
from apps.catalog.domain import MAX_PRICE_MINOR
from apps.shared.contracts.amount import Amount
from apps.shared.money import MAX_AMOUNT_MINOR
from tests.unit.carts.fakes import Room

GUEST = "crt_" + "0" * 42


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

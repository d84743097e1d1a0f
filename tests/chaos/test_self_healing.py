"""Whatever is killed comes back by itself, and an order placed right after is paid: for those that test_kill_anywhere does not kill."""

import time

import pytest

from tests.support.casualty import Casualties, order_whatever_happens
from tests.support.client import Client

PAID_SECONDS = 60


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("app", "gateway"),
        ("backend", "sentry"),
        ("backend", "mail"),
    ],
)
async def test_a_killed_process_comes_back_and_an_order_is_paid(
    kind: str, name: str, admin: Client, shopper: Client, casualties: Casualties
) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)

    old = await casualties.kill(kind, name)
    began = time.monotonic()
    order = await order_whatever_happens(shopper, seconds=PAID_SECONDS)
    print(f"killed {kind} {name}: paid after {time.monotonic() - began:.1f} s")

    assert order["status"] == "paid"
    assert await casualties.new_pid(kind, name, old=old) != old

"""A draft that nobody carries on is ended by the sweep that Dapr's scheduler starts, and its cart comes back."""

from typing import Any

import pytest

from tests.support.client import Client, eventually
from tests.support.processes import killed_app


@pytest.mark.timeout(200)
async def test_an_order_whose_checkout_was_never_started_ends_by_itself(
    admin: Client, shopper: Client, run_json: dict[str, Any]
) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    with killed_app(run_json, "checkout"):
        (await shopper.place(key="never-repeated")).problem(503)
        (draft,) = (await shopper.call("GET", "/api/v1/orders")).expect(200)["items"]
        assert draft["status"] == "draft"
    # The sweep looks at whole minutes, the grace of the tests' shop after their end.
    order = await shopper.follow(draft["id"], "cancelled", seconds=150)
    assert order["failure"]["code"] == "internal_error"
    await eventually(
        lambda: shopper.call("GET", "/api/v1/cart"),
        lambda cart: [line["product_id"] for line in cart.expect(200)["lines"]] == [product["id"]],
    )
    stock = await admin.stock(product["sku"])
    assert (stock["available"], stock["reserved"], stock["sold"]) == (1, 0, 0)

"""Fills a new shop with a demo catalogue through the public API, so that there is something to look at and to buy."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tools.local.api import Api
from tools.local.atomic import write_atomically
from tools.local.home import Home

CATALOGUE = Path(__file__).with_name("catalogue.json")
AT_ONCE = 8


def seed_catalogue(
    home: Home, api: Api, *, state: str, admin: Mapping[str, str], progress: Callable[[str], None]
) -> None:
    """Does nothing once it was done for this home and this state store (or these); goes on where it stopped when it was interrupted.

    Raises: LocalError when the shop refuses a product or a receipt.
    """
    marker = home.root / f"demo-{state}.json"
    if marker.exists():
        return
    products = json.loads(CATALOGUE.read_text())
    categories = {product["category"] for product in products}
    progress(f"seeding {len(products)} products in {len(categories)} categories")
    as_admin = api.logged_in(admin["email"], admin["password"])
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for _ in pool.map(lambda product: _put_on_sale(as_admin, product), products):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    write_atomically(marker, json.dumps({"products": len(products)}))


def _put_on_sale(api: Api, product: Mapping[str, Any]) -> None:
    sku = product["sku"]
    answer = api.call(
        "POST",
        "/api/v1/products",
        {
            "sku": sku,
            "name": product["name"],
            "description": product["description"],
            "category": product["category"],
            "price": {"amount_minor": product["price_minor"], "currency": "USD"},
        },
        expect={201, 409},
    )
    stocked = _stocked_warehouses(api, sku) if answer.status == 409 else set()
    for warehouse, quantity in product["stock"].items():
        if warehouse not in stocked:
            receipt = {"warehouse": warehouse, "quantity": quantity}
            api.call("POST", f"/api/v1/inventory/{sku}/receipts", receipt, expect={201})


def _stocked_warehouses(api: Api, sku: str) -> set[str]:
    """Where an earlier, interrupted seeding already brought stock to."""
    answer = api.call("GET", f"/api/v1/inventory/{sku}", expect={200, 404})
    return {shelf["warehouse"] for shelf in answer.body.get("warehouses", [])}

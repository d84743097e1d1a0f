"""Walks through all that each service keeps: its journals list what there is (the records stand in docs/housekeeping.md)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from apps.catalog.changes import SHARDS
from apps.shared.platform.minutes import MinuteJournal
from apps.users.store import email_key
from tools.audit.look import SOLD, UNDER_WAY
from tools.migrate.documents import Document, Reader

STORES: Mapping[str, str] = {
    "users": "private-store",
    "orders": "private-store",
    "payments": "private-store",
    "catalog": "statestore",
    "inventory": "statestore",
    "notifications": "statestore",
    "carts": "statestore",
}
"""By app, the component that keeps its documents. `checkout` keeps workflows alone."""


@dataclass(slots=True)
class Found:
    """What a walk has learnt, for those after it."""

    under_way: list[str] = field(default_factory=list)
    order_ids: dict[str, None] = field(default_factory=dict)
    user_ids: dict[str, None] = field(default_factory=dict)


def is_under_way(order: Document) -> bool:
    """Whether a saga, a sweep or a cancellation has still to do with it."""
    if order["status"] in UNDER_WAY:
        return True
    return order["status"] in SOLD and order["cancel_requested_at"] is not None


async def walk_orders(reader: Reader, found: Found) -> None:
    attempts = []
    for entry in await reader.minutes(MinuteJournal("order-reminders")):
        order_id, user_id, *key_hashes = entry.split()
        found.order_ids[order_id] = found.user_ids[user_id] = None
        attempts += [f"attempt/{user_id}/{key_hash}" for key_hash in key_hashes]
    async for orders in reader.batches(f"order/{order_id}" for order_id in found.order_ids):
        found.under_way += [order["id"] for order in orders.values() if is_under_way(order)]
    await reader.see([*attempts, "sweep/order-reminders"])
    for user_id in found.user_ids:
        await reader.journal(f"orders-of/{user_id}")


async def walk_users(reader: Reader, found: Found) -> None:
    found.user_ids |= dict.fromkeys(await reader.minutes(MinuteJournal("users")))
    async for users in reader.batches(f"user/{user_id}" for user_id in found.user_ids):
        await reader.see(email_key(user["email"]) for user in users.values())


async def walk_payments(reader: Reader, found: Found) -> None:
    order_ids = found.order_ids | dict.fromkeys(await reader.minutes(MinuteJournal("payments")))
    await reader.see(f"{kind}/{order_id}" for order_id in order_ids for kind in ("payment", "sandbox"))


async def walk_catalog(reader: Reader, _: Found) -> None:
    product_ids: dict[str, None] = {}
    for shard in range(SHARDS):
        product_ids |= dict.fromkeys(await reader.journal(f"catalog-changes/{shard}"))
    async for products in reader.batches(f"product/{product_id}" for product_id in product_ids):
        await reader.see(f"sku/{product['sku']}" for product in products.values())
    await reader.see(f"intakes/{product_id}" for product_id in product_ids)
    await reader.minutes(MinuteJournal("catalog-intakes"))
    await reader.see(["sweep/catalog-intakes"])


async def walk_inventory(reader: Reader, found: Found) -> None:
    skus = await reader.journal("skus")
    await reader.see(f"stock/{sku}" for sku in skus)
    for sku in skus:
        await reader.see(f"receipt/{receipt_id}" for receipt_id in await reader.journal(f"receipts-of/{sku}"))
    order_ids = found.order_ids | dict.fromkeys(await reader.minutes(MinuteJournal("reservations")))
    await reader.see(f"reservation/{order_id}" for order_id in order_ids)
    await reader.see(["sweep/reservations"])
    await walk_dead_letters(reader, found)


async def walk_notifications(reader: Reader, found: Found) -> None:
    for user_id in found.user_ids:
        await reader.see(f"message/{message_id}" for message_id in await reader.journal(f"messages-of/{user_id}"))
    await walk_dead_letters(reader, found)


async def walk_dead_letters(reader: Reader, _: Found) -> None:
    await reader.see(f"dead-letter/{letter_id}" for letter_id in await reader.journal("dead-letters"))


WALKS: Mapping[str, Callable[[Reader, Found], Awaitable[None]]] = {
    "orders": walk_orders,
    "users": walk_users,
    "payments": walk_payments,
    "catalog": walk_catalog,
    "inventory": walk_inventory,
    "notifications": walk_notifications,
    "carts": walk_dead_letters,
}
"""By app, in an order in which each walk finds what it needs of those before it. Carts themselves are actors: see `actors.py`."""

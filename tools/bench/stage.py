"""What a shop holds before it is measured: products with stock, and customers, written as the services' own stores write them.

Through the API ten thousand products would take minutes and a customer a tenth of a second of Argon2 each; here many documents
go into one transaction.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.catalog.changes import ChangeJournal
from apps.catalog.domain import Details, Product, new_product
from apps.catalog.ports import SkuClaim
from apps.inventory.domain import Stock, receive
from apps.shared.money import Money
from apps.shared.platform import journal
from apps.shared.platform.clock import TimeOrderedIds
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.state import StateStore, Transaction
from apps.users.domain import Role, User
from apps.users.store import DaprUserStore
from apps.users.tokens import SignedTokens

ADJECTIVES = ("Amber", "Brisk", "Copper", "Dapper", "Eager", "Foldable", "Gentle", "Hollow", "Ivory", "Jolly")
NOUNS = (
    "Lantern",
    "Kettle",
    "Backpack",
    "Keyboard",
    "Umbrella",
    "Teapot",
    "Notebook",
    "Headphones",
    "Blanket",
    "Compass",
)
SYLLABLES = (
    "bra",
    "cot",
    "den",
    "fir",
    "gol",
    "hem",
    "jut",
    "kal",
    "lin",
    "mor",
    "nef",
    "pol",
    "ras",
    "sil",
    "tun",
    "wex",
)
"""Descriptions are made of 256 words that no name has; two words of a name are those of one product in a hundred."""

CATEGORIES = tuple(f"shelf-{number}" for number in range(20))
BATCH = 100
UNITS = 1_000_000 // 2


class Stage:
    """Opens the stores of a running shop by its run.json."""

    def __init__(self, running: Mapping[str, Any], secrets: Mapping[str, Any], api_token: str) -> None:
        def sidecar(app_id: str) -> Sidecar:
            return Sidecar(port=running["apps"][app_id]["dapr_http_port"], token=api_token)

        self._sidecars = {app_id: sidecar(app_id) for app_id in ("catalog", "inventory", "users")}
        self._signing = dict(secrets["token-signing"])
        self._ids, self._tokens = TimeOrderedIds(), SignedTokens(TimeOrderedIds())

    async def close(self) -> None:
        for sidecar in self._sidecars.values():
            await sidecar.close()

    async def add_products(self, count: int, *, units: int = UNITS) -> list[Product]:
        """On sale within the catalog's `poll_seconds`."""
        store, shelf = (StateStore(self._sidecars[app_id], "statestore") for app_id in ("catalog", "inventory"))
        changes = ChangeJournal(store)
        made: list[Product] = []
        for start in range(0, count, BATCH):
            products = [self._product(number) for number in range(start, min(start + BATCH, count))]
            await _put_on_sale(store, changes, products)
            await _stock(shelf, products, units)
            made += products
        return made

    async def add_customers(self, count: int) -> list[User]:
        """Without a password that would let anyone log in."""
        store, now = DaprUserStore(StateStore(self._sidecars["users"], "private-store")), datetime.now(UTC)
        users = [
            User(
                self._ids.new("usr"), f"bench+{uuid.uuid4().hex}@plaza.example", "Bench Shopper", Role.CUSTOMER, "", now
            )
            for _ in range(count)
        ]
        for user in users:
            await store.add(user)
        return users

    async def bearer(self, user: User) -> str:
        """An access token, good for the next quarter of an hour."""

        async def read() -> dict[str, str]:
            return self._signing

        await self._tokens.load(read)
        return self._tokens.issue(user, datetime.now(UTC))

    def _product(self, number: int) -> Product:
        dice = random.Random(number)
        name = f"{dice.choice(ADJECTIVES)} {dice.choice(NOUNS)} {number}"
        words = " ".join(dice.choice(SYLLABLES) + dice.choice(SYLLABLES) for _ in range(20))
        details = Details(
            name, f"Made to be found: {words}.", dice.choice(CATEGORIES), Money(dice.randint(500, 20_000), "USD")
        )
        return new_product(
            product_id=self._ids.new("prd"),
            sku=f"BENCH-{uuid.uuid4().hex[:12].upper()}",
            details=details,
            vendor_id="usr_bench",
            at=datetime.now(UTC) - timedelta(seconds=number),
        )


async def _put_on_sale(store: StateStore, changes: ChangeJournal, products: Sequence[Product]) -> None:
    heads = {changes.key(product.id) for product in products}
    keys = [key for product in products for key in (f"product/{product.id}", f"sku/{product.sku}")]

    def decide(transaction: Transaction) -> None:
        for product in products:
            transaction.put(f"product/{product.id}", product)
            transaction.put(f"sku/{product.sku}", SkuClaim(product.id, product.vendor_id))
            changes.note(transaction, product.id)

    await store.transact([*keys, *heads], decide)


async def _stock(store: StateStore, products: Sequence[Product], units: int) -> None:
    keys = [f"stock/{product.sku}" for product in products]

    def decide(transaction: Transaction) -> None:
        for product in products:
            stock = receive(Stock(product.sku), warehouse="east", quantity=units)
            transaction.put(f"stock/{product.sku}", stock)
            journal.append(transaction, "skus", product.sku)

    await store.transact([*keys, journal.head_key("skus")], decide)

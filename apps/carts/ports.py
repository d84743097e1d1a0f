"""What the cart use cases need from outside."""

from typing import Protocol

from apps.carts.domain import Cart, Handover, Lines
from apps.shared.contracts.catalog import Offer


class Carts(Protocol):
    """Carts by id, each changed one turn at a time. Every operation may be repeated."""

    async def get(self, cart_id: str) -> Cart: ...

    async def put(self, cart_id: str, product_id: str, quantity: int, *, expected: Lines | None = None) -> Cart | None:
        """Set a line's quantity; None when the cart is full. Raises CartChanged when its lines are not the `expected` ones."""

    async def clear(self, cart_id: str) -> None: ...

    async def take(self, cart_id: str, order_id: str) -> Lines: ...

    async def settle(self, cart_id: str, order_id: str, *, restore: bool) -> None: ...

    async def hand_over(self, cart_id: str, user_id: str) -> Handover | None: ...

    async def absorb(self, cart_id: str, handover: Handover) -> None: ...

    async def confirm(self, cart_id: str, handover_id: str) -> None: ...


class Catalog(Protocol):
    async def quote(self, product_ids: tuple[str, ...]) -> dict[str, Offer]:
        """Current offers by product id; what is not for sale is missing."""


class Ids(Protocol):
    def new(self, prefix: str) -> str: ...


class Secrets(Protocol):
    def token_hex(self, size_bytes: int) -> str:
        """That many random bytes as hexadecimal digits, fit for secrets."""

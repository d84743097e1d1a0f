"""The use cases of carts: filling one, seeing it at current prices, merging a guest's into a user's, giving it to an order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.carts import domain
from apps.carts.domain import Lines
from apps.carts.ports import Carts, Catalog, Ids, Secrets
from apps.shared.contracts.catalog import Offer


@dataclass(frozen=True, slots=True)
class PricedCart:
    """Lines with what each product is sold as now; products no longer for sale have no offer."""

    lines: Lines
    offers: Mapping[str, Offer]


class CartService:
    """A user's cart is named by the user id, a guest's by a secret id that the guest keeps."""

    def __init__(self, *, carts: Carts, catalog: Catalog, ids: Ids, secrets: Secrets) -> None:
        self._carts, self._catalog, self._ids, self._secrets = carts, catalog, ids, secrets

    async def resolve(self, user_id: str, guest_cart_id: str) -> str:
        """The id of the caller's cart: the user's, with the guest cart merged into it; the guest's; or a new guest's.

        Raises CartIdMalformed.
        """
        if guest_cart_id and not domain.is_guest_id(guest_cart_id):
            raise domain.CartIdMalformed
        if not user_id:
            return guest_cart_id or self._ids.new("crt") + self._secrets.token_hex(8)
        if guest_cart_id:
            await self._merge(guest_cart_id, user_id)
        return user_id

    async def view(self, cart_id: str) -> PricedCart:
        """The cart at current prices."""
        lines = (await self._carts.get(cart_id)).lines
        return PricedCart(lines, await self._quote(lines))

    async def put(
        self, cart_id: str, product_id: str, quantity: int, *, is_current: Callable[[PricedCart], bool] | None = None
    ) -> PricedCart:
        """Set a line's quantity, 0 removes it. Raises ProductUnknown, CartFull, and CartChanged when the cart is not `is_current`."""
        expected: Lines | None = None
        if is_current is not None:
            seen = await self.view(cart_id)
            if not is_current(seen):
                raise domain.CartChanged
            expected = seen.lines
        offers = await self._catalog.quote((product_id,)) if quantity else {}
        if quantity and product_id not in offers:
            raise domain.ProductUnknown(product_id)
        cart = await self._carts.put(cart_id, product_id, quantity, expected=expected)
        if cart is None:
            raise domain.CartFull
        others = {key: value for key, value in cart.lines.items() if key not in offers}
        return PricedCart(cart.lines, {**offers, **await self._quote(others)})

    async def clear(self, cart_id: str) -> None:
        """Empty the cart."""
        await self._carts.clear(cart_id)

    async def take(self, user_id: str, order_id: str) -> Lines:
        """Give all lines to the order; the same lines when asked again."""
        return await self._carts.take(user_id, order_id)

    async def restore(self, user_id: str, order_id: str) -> None:
        """Put back what the order took, if it still has it."""
        await self._carts.settle(user_id, order_id, restore=True)

    async def drop(self, user_id: str, order_id: str) -> None:
        """Forget what the order took: it is bought, or no longer wanted."""
        await self._carts.settle(user_id, order_id, restore=False)

    async def _quote(self, lines: Lines) -> dict[str, Offer]:
        return await self._catalog.quote(tuple(lines)) if lines else {}

    async def _merge(self, guest_cart_id: str, user_id: str) -> None:
        handover = await self._carts.hand_over(guest_cart_id, user_id)
        if handover is not None:
            await self._carts.absorb(user_id, handover)
            await self._carts.confirm(guest_cart_id, handover.id)

"""The carts API, and what `orders` asks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Response

from apps.carts.schemas import CartOut, QuantityIn
from apps.carts.service import CartService, PricedCart
from apps.shared.contracts.carts import CartLine, RestoreCart, TakeCart, TakenCart
from apps.shared.contracts.nothing import Nothing
from apps.shared.platform.etags import etag_of, matches, tagged
from apps.shared.platform.identity import CallerDep
from apps.shared.platform.problems import documented

CART_ID_HEADER = "x-cart-id"


def build_router(service: CartService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/cart", tags=["cart"])

    async def cart_id(
        response: Response,
        caller: CallerDep,
        x_cart_id: Annotated[str, Header(description="A guest's cart; a user's call merges it")] = "",
    ) -> str:
        resolved = await service.resolve(caller.user_id, x_cart_id)
        if not caller.user_id:
            response.headers[CART_ID_HEADER] = resolved
        return resolved

    cart = Annotated[str, Depends(cart_id)]
    product = Annotated[str, Path(pattern="^prd_[0-9a-z]{1,40}$")]

    @router.get("", operation_id="getCart", response_model=CartOut, responses=documented(400))
    async def get(own: cart, response: Response, if_none_match: Annotated[str, Header()] = "") -> CartOut | Response:
        """The caller's cart at current prices. A guest without `X-Cart-Id` is given one."""
        return tagged(CartOut.of(await service.view(own)), response, if_none_match)

    @router.put("/items/{product_id}", operation_id="putCartItem", responses=documented(400, 404, 409, 412))
    async def put(
        product_id: product,
        body: QuantityIn,
        own: cart,
        response: Response,
        if_match: Annotated[str, Header(description="ETag of the cart as it was read")] = "",
    ) -> CartOut:
        """Set how many of a product the cart holds; 0 removes it. With `If-Match`, only if the cart is still what it was."""

        def is_current(seen: PricedCart) -> bool:
            return matches(if_match, etag_of(CartOut.of(seen)))

        changed = CartOut.of(
            await service.put(own, product_id, body.quantity, is_current=is_current if if_match else None)
        )
        response.headers["etag"] = etag_of(changed)
        return changed

    @router.delete("", operation_id="clearCart", status_code=204, responses=documented(400))
    async def clear(own: cart) -> None:
        """Empty the cart."""
        await service.clear(own)

    return router


def build_peer_router(service: CartService) -> APIRouter:
    """Operations for other services alone; the gateway has no route to them."""
    router = APIRouter(prefix="/internal/carts", include_in_schema=False)

    @router.post("/{user_id}/take")
    async def take(user_id: str, command: TakeCart) -> TakenCart:
        lines = await service.take(user_id, command.order_id)
        return TakenCart(lines=tuple(CartLine(product_id=key, quantity=value) for key, value in lines.items()))

    @router.post("/{user_id}/restore")
    async def restore(user_id: str, command: RestoreCart) -> Nothing:
        await service.restore(user_id, command.order_id)
        return Nothing()

    return router

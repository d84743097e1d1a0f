"""Requests and answers of the carts API."""

from pydantic import BaseModel, ConfigDict, Field

from apps.carts.domain import MAX_QUANTITY
from apps.carts.service import PricedCart
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.catalog import Offer
from apps.shared.money import Money


class QuantityIn(BaseModel):
    """How many of a product; 0 removes it."""

    model_config = ConfigDict(extra="forbid")

    quantity: int = Field(ge=0, le=MAX_QUANTITY, strict=True)


class LineOut(BaseModel):
    """One product. `unavailable` ones are no longer for sale, and have no price."""

    product_id: str
    quantity: int
    sku: str | None = None
    name: str | None = None
    unit_price: Amount | None = None
    total: Amount | None = None
    unavailable: bool = False

    @classmethod
    def of(cls, product_id: str, quantity: int, offer: Offer | None) -> "LineOut":
        if offer is None:
            return cls(product_id=product_id, quantity=quantity, unavailable=True)
        return cls(
            product_id=product_id,
            quantity=quantity,
            sku=offer.sku,
            name=offer.name,
            unit_price=offer.price,
            total=Amount.of(offer.price.money() * quantity),
        )


class CartOut(BaseModel):
    """A cart at current prices; `totals` has one amount for each currency in it."""

    lines: list[LineOut]
    totals: list[Amount]

    @classmethod
    def of(cls, cart: PricedCart) -> "CartOut":
        lines = [LineOut.of(product_id, count, cart.offers.get(product_id)) for product_id, count in cart.lines.items()]
        sums: dict[str, Money] = {}
        for line in lines:
            if line.total is not None:
                money = line.total.money()
                sums[money.currency] = sums.get(money.currency, Money(0, money.currency)) + money
        return cls(lines=lines, totals=[Amount.of(money) for _, money in sorted(sums.items())])

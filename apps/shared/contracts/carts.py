"""What `carts` answers to `orders`: the lines that an order takes out of a cart."""

from pydantic import BaseModel, ConfigDict, Field


class CartLine(BaseModel):
    """`quantity` units of one product."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    quantity: int = Field(ge=1)


class TakeCart(BaseModel):
    """Take every line out of the user's cart for `order_id`. The same order is given the same lines again."""

    model_config = ConfigDict(frozen=True)

    order_id: str


class TakenCart(BaseModel):
    """The lines taken; none when the cart was empty."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[CartLine, ...]


class RestoreCart(BaseModel):
    """Put the lines that `order_id` took back into the cart; harmless when there are none."""

    model_config = ConfigDict(frozen=True)

    order_id: str

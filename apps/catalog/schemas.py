"""Requests and answers of the catalog API."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from apps.catalog.domain import MAX_PRICE_MINOR, Details, Intake, Product, category_name, slug
from apps.catalog.ports import Count, Found
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.sku import SKU_PATTERN
from apps.shared.money import CURRENCIES, Money


def _category(text: str) -> str:
    found = slug(text)
    if not found:
        raise ValueError("needs letters a-z or digits")
    return found


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("is no ISO 4217 code in use")
    return code


def _distinct(intakes: "list[IntakeIn]") -> "list[IntakeIn]":
    if len({intake.warehouse for intake in intakes}) < len(intakes):
        raise ValueError("names a warehouse twice")
    return intakes


Category = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_category),
    Field(description="A slug; other spellings are turned into one", examples=["home-garden"]),
]


class PriceIn(BaseModel):
    """A price in the currency's smallest unit."""

    model_config = ConfigDict(extra="forbid")

    amount_minor: int = Field(strict=True, ge=1, le=MAX_PRICE_MINOR, examples=[1999])
    currency: Annotated[str, AfterValidator(_currency)] = Field(
        pattern="^[A-Z]{3}$", description="ISO 4217 code", examples=["USD"]
    )


class IntakeIn(BaseModel):
    """Units that came into a warehouse together with the product."""

    model_config = ConfigDict(extra="forbid")

    warehouse: str = Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$", examples=["east"])
    quantity: int = Field(strict=True, ge=1, le=1_000_000)


class DetailsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    description: str = Field(default="", max_length=5_000)
    category: Category
    price: PriceIn

    def details(self) -> Details:
        price = Money(self.price.amount_minor, self.price.currency)
        return Details(name=self.name, description=self.description, category=self.category, price=price)


class NewProduct(DetailsIn):
    """A product to put on sale, perhaps with its first stock."""

    sku: str = Field(pattern=SKU_PATTERN, examples=["AUD-001"])
    stock: IntakeIn | Annotated[list[IntakeIn], Field(max_length=50), AfterValidator(_distinct)] = []

    def intakes(self) -> list[Intake]:
        stock = self.stock if isinstance(self.stock, list) else [self.stock]
        return [Intake(intake.warehouse, intake.quantity) for intake in stock]


class ChangedProduct(DetailsIn):
    """All that may be changed of a product. A `sku` may be repeated, not changed."""

    sku: str | None = Field(default=None, pattern=SKU_PATTERN)


class ProductOut(BaseModel):
    """A product; `available` is the number of units that can be bought now, null when that is not known at the moment."""

    id: str
    sku: str
    name: str
    description: str
    category: str
    price: Amount
    vendor_id: str
    available: int | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, product: Product, available: int | None) -> "ProductOut":
        return cls(
            id=product.id,
            sku=product.sku,
            name=product.name,
            description=product.description,
            category=product.category,
            price=Amount.of(product.price),
            vendor_id=product.vendor_id,
            available=available,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


class CountOut(BaseModel):
    """How many products of the result have `value`."""

    value: str
    count: int


class PriceCountOut(BaseModel):
    """How many products of the result cost `min_price` to `max_price` minor units, inclusive; null is without end."""

    min_price: int
    max_price: int | None
    count: int


class FacetsOut(BaseModel):
    """The whole result by category, vendor (the 20 with most) and price."""

    categories: list[CountOut]
    vendors: list[CountOut]
    prices: list[PriceCountOut]


class ProductPage(BaseModel):
    """Products, and the size and shape of the whole result."""

    items: list[ProductOut]
    next_cursor: str | None
    total: int
    facets: FacetsOut

    @classmethod
    def of(cls, found: Found, available: dict[str, int], next_cursor: str | None) -> "ProductPage":
        facets = FacetsOut(
            categories=[CountOut(value=count.value, count=count.count) for count in found.categories],
            vendors=[CountOut(value=count.value, count=count.count) for count in found.vendors],
            prices=[
                PriceCountOut(min_price=part.min_price_minor, max_price=part.max_price_minor, count=part.count)
                for part in found.prices
            ],
        )
        items = [ProductOut.of(product, available.get(product.sku)) for product in found.products]
        return cls(items=items, next_cursor=next_cursor, total=found.total, facets=facets)


class CategoryOut(BaseModel):
    """A category in use, and how many products are in it."""

    slug: str
    name: str
    product_count: int

    @classmethod
    def of(cls, count: Count) -> "CategoryOut":
        return cls(slug=count.value, name=category_name(count.value), product_count=count.count)


class CategoryList(BaseModel):
    """All categories, by slug, on one page."""

    items: list[CategoryOut]
    next_cursor: None = None

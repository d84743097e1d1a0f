"""A product and the decisions about it: pure, with time and ids as arguments.

CatalogError
├── ProductNotFound   there is no such product (any more)
├── ProductForeign    the product belongs to another vendor
├── ProductChanged    the product is no longer the version that the editor saw
├── SkuTaken          another product has the SKU
├── SkuFixed          a product keeps its SKU for life
├── SkuUnknown        no product has the SKU
└── CursorInvalid     the cursor was not made by this list, or by another sort order of it
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime

from apps.shared.money import Money

MAX_PRICE_MINOR = 10**10
"""Far above any price, and far enough below money.MAX_AMOUNT_MINOR that a full cart can still be added up."""


_PRODUCT_ID = re.compile(r"prd_[0-9a-z]{1,40}")


class CatalogError(Exception):
    """Root of the refusals of this service."""


class ProductNotFound(CatalogError):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"There is no product {product_id}.")
        self.product_id = product_id


class ProductForeign(CatalogError):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"Product {product_id} belongs to another vendor.")
        self.product_id = product_id


class ProductChanged(CatalogError):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"Product {product_id} has changed since it was read. Read it again and repeat the change.")
        self.product_id = product_id


class SkuTaken(CatalogError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"Another product has the SKU {sku}.")
        self.sku = sku


class SkuFixed(CatalogError):
    def __init__(self, product_id: str, sku: str) -> None:
        super().__init__(f"Product {product_id} keeps its SKU {sku}: stock and orders refer to it.")
        self.product_id, self.sku = product_id, sku


class SkuUnknown(CatalogError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"No product has the SKU {sku}.")
        self.sku = sku


class CursorInvalid(CatalogError):
    def __init__(self) -> None:
        super().__init__("This cursor was not made by this list and sort order; start without one.")


@dataclass(frozen=True, slots=True)
class Details:
    """What a product's owner may change. `category` is a slug."""

    name: str
    description: str
    category: str
    price: Money


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale. `version` counts its changes from 1; `vendor_id` is the user who put it on sale."""

    id: str
    sku: str
    name: str
    description: str
    category: str
    price: Money
    vendor_id: str
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Intake:
    """Units that came into a warehouse together with a new product."""

    warehouse: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Editor:
    """Who wants to change a product: its vendor, or an admin, who may change all."""

    user_id: str
    is_admin: bool


def is_product_id(text: str) -> bool:
    """Whether a product could have this id; what is not of this form need not be looked for."""
    return _PRODUCT_ID.fullmatch(text) is not None


def new_product(*, product_id: str, sku: str, details: Details, vendor_id: str, at: datetime) -> Product:
    return Product(
        id=product_id,
        sku=sku,
        name=details.name,
        description=details.description,
        category=details.category,
        price=details.price,
        vendor_id=vendor_id,
        created_at=at,
        updated_at=at,
    )


def revise(
    product: Product,
    details: Details,
    *,
    sku: str | None,
    editor: Editor,
    expected_versions: frozenset[int] | None,
    at: datetime,
) -> Product:
    """The product with new details; unchanged, version included, when they are the ones that it has.

    `sku` is what the editor believes the SKU to be (None: nothing); `expected_versions` are the ones that may be changed (None: any).
    Raises ProductForeign, ProductChanged, SkuFixed.
    """
    check_owner(product, editor)
    if expected_versions is not None and product.version not in expected_versions:
        raise ProductChanged(product.id)
    if sku is not None and sku != product.sku:
        raise SkuFixed(product.id, product.sku)
    changed = replace(
        product,
        name=details.name,
        description=details.description,
        category=details.category,
        price=details.price,
    )
    return product if changed == product else replace(changed, version=product.version + 1, updated_at=at)


def check_owner(product: Product, editor: Editor) -> None:
    """Raises ProductForeign. The product is public, so this is no secret to keep by a 404."""
    if not editor.is_admin and editor.user_id != product.vendor_id:
        raise ProductForeign(product.id)


def slug(text: str) -> str:
    """`Home & Garden` → `home-garden`: lower case ASCII letters, digits and single hyphens; empty when nothing of it is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def category_name(category: str) -> str:
    """`home-garden` → `Home Garden`: a category has no name of its own yet."""
    return category.replace("-", " ").title()

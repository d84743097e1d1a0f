"""What `catalog` answers to peers: the current name and price of products, and who owns a SKU."""

from pydantic import BaseModel, ConfigDict

from apps.shared.contracts.amount import Amount


class QuoteProducts(BaseModel):
    """Ask for the current offer of each product."""

    model_config = ConfigDict(frozen=True)

    product_ids: tuple[str, ...]


class Offer(BaseModel):
    """What one product is sold as, now."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    sku: str
    name: str
    price: Amount
    vendor_id: str


class Offers(BaseModel):
    """The offers of the products asked for; products that are not for sale are left out."""

    model_config = ConfigDict(frozen=True)

    offers: tuple[Offer, ...]


class ShowProducts(BaseModel):
    """Ask for the public pages of products, as the API shows each."""

    model_config = ConfigDict(frozen=True)

    product_ids: tuple[str, ...]


class ProductPage(BaseModel):
    """The body of a product page and its ETag; `available` in it may be a moment old."""

    model_config = ConfigDict(frozen=True)

    product_id: str
    etag: str
    body: str


class ProductPages(BaseModel):
    """The pages of the products asked for; products that are not for sale are left out."""

    model_config = ConfigDict(frozen=True)

    pages: tuple[ProductPage, ...]


class SkuOwner(BaseModel):
    """Which product and vendor a SKU belongs to."""

    model_config = ConfigDict(frozen=True)

    sku: str
    product_id: str
    vendor_id: str

"""What `inventory` is told and answers: saga steps, receipts and availability."""

from pydantic import BaseModel, ConfigDict, Field

from apps.shared.contracts.step import StepInput

RESERVE_STOCK = "inventory.reserve_stock"
RELEASE_STOCK = "inventory.release_stock"


class StockLine(BaseModel):
    """`quantity` units of one SKU."""

    model_config = ConfigDict(frozen=True)

    sku: str
    quantity: int = Field(ge=1)


class ReserveStock(StepInput):
    """Saga step: hold stock for every line, or for none. Refused as `out_of_stock`."""

    lines: tuple[StockLine, ...]


class ReleaseStock(StepInput):
    """Saga step: give back what the order holds or has bought. Never refused; an order that holds nothing gets nothing later either."""


class Receipt(BaseModel):
    """Goods that came in. The same `receipt_id` counts once."""

    model_config = ConfigDict(frozen=True)

    receipt_id: str
    sku: str
    warehouse: str
    quantity: int = Field(ge=1)


class AskAvailability(BaseModel):
    """Ask how many units of each SKU can be bought."""

    model_config = ConfigDict(frozen=True)

    skus: tuple[str, ...]


class Availability(BaseModel):
    """Units that can be bought now, by SKU; SKUs that `inventory` does not know are 0."""

    model_config = ConfigDict(frozen=True)

    available: dict[str, int]

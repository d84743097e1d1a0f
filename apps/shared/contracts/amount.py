"""Money on the wire."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from apps.shared.money import MAX_AMOUNT_MINOR, Money


class Amount(BaseModel):
    """An amount of money in the currency's smallest unit, such as `{"amount_minor": 1999, "currency": "USD"}`."""

    model_config = ConfigDict(frozen=True)

    amount_minor: Annotated[int, Field(strict=True, ge=-MAX_AMOUNT_MINOR, le=MAX_AMOUNT_MINOR)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217 code")]

    @classmethod
    def of(cls, money: Money) -> "Amount":
        return cls(amount_minor=money.amount_minor, currency=money.currency)

    def money(self) -> Money:
        return Money(self.amount_minor, self.currency)

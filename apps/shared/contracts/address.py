"""A postal address on the wire: what `users` keeps in profiles and `orders` ships to."""

from pydantic import BaseModel, ConfigDict, Field


class PostalAddress(BaseModel):
    """Where things are sent to."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    line1: str = Field(min_length=1, max_length=200)
    line2: str = Field(default="", max_length=200)
    city: str = Field(min_length=1, max_length=100)
    region: str = Field(default="", max_length=100)
    postal_code: str = Field(min_length=1, max_length=20)
    country: str = Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code", examples=["US"])

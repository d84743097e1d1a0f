"""The empty answer."""

from pydantic import BaseModel, ConfigDict


class Nothing(BaseModel):
    """Done; there is nothing to say."""

    model_config = ConfigDict(frozen=True)

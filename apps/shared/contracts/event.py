"""What every event has in common."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Something that happened. `event_id` is derived from its cause, so that publishing again gives the same id.

    Subclasses set `topic` and `type`. Fields may be added with a default; anything else is a new type with a higher version.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: ClassVar[str]
    type: ClassVar[str]

    event_id: str
    occurred_at: datetime

    @property
    def partition_key(self) -> str:
        """Events with the same key keep their order on brokers that have partitions."""
        return self.event_id

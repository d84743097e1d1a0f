"""What `notifications` answers to `orders`: which events people have been told of."""

from pydantic import BaseModel, ConfigDict


class AskTold(BaseModel):
    """Which of these events became a message?"""

    model_config = ConfigDict(frozen=True)

    event_ids: tuple[str, ...]


class Told(BaseModel):
    """Those of the events asked about that became one."""

    model_config = ConfigDict(frozen=True)

    event_ids: tuple[str, ...]

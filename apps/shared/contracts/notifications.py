"""What `notifications` answers to `orders`: which events are in good hands."""

from pydantic import BaseModel, ConfigDict


class AskTold(BaseModel):
    """Which of these events need not be told again?"""

    model_config = ConfigDict(frozen=True)

    event_ids: tuple[str, ...]


class Told(BaseModel):
    """Those of the events asked about that became a message whose mail has ended, or a dead letter that an operator sees."""

    model_config = ConfigDict(frozen=True)

    event_ids: tuple[str, ...]

"""What `users` answers to peers."""

from pydantic import BaseModel, ConfigDict


class Contact(BaseModel):
    """How to reach a person; `notifications` asks when it writes, so that no event carries personal data."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    email: str
    name: str

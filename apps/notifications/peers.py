"""The service that notifications asks, over Dapr invocation: users."""

from apps.shared.contracts.users import Contact
from apps.shared.platform.invocation import Peer


class UsersPeer:
    """See `ports.Users`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def find_contact(self, user_id: str) -> Contact | None:
        return await self._peer.find(f"/internal/users/{user_id}/contact", Contact)

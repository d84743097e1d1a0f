"""The service that payments asks, over Dapr invocation: orders."""

from apps.shared.contracts.orders import PaymentInstrument
from apps.shared.platform.invocation import Peer


class OrdersPeer:
    """See `ports.Orders`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def payment_instrument(self, order_id: str) -> PaymentInstrument:
        return await self._peer.get(f"/internal/payment-instruments/{order_id}", PaymentInstrument)

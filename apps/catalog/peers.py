"""The service that catalog asks, over Dapr invocation: inventory."""

import logging
from collections.abc import Sequence

from apps.catalog.domain import Intake
from apps.catalog.patience import Patience
from apps.shared.contracts.inventory import AskAvailability, Availability, Receipt
from apps.shared.contracts.nothing import Nothing
from apps.shared.platform.invocation import Peer, PeerRefused
from apps.shared.platform.sidecar import SidecarError

log = logging.getLogger(__name__)


class InventoryPeer:
    """See `ports.Inventory`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._reading = Patience("availability", (SidecarError, PeerRefused))
        self._writing = Patience("inventory", (SidecarError,), limit_seconds=2.0)

    async def find_available(self, skus: Sequence[str], *, fresh: bool = False) -> dict[str, int] | None:
        async def ask() -> dict[str, int]:
            question = AskAvailability(skus=tuple(skus))
            return (await self._peer.post("/internal/availability", question, Availability)).available

        return await self._reading.ask(ask)

    async def receive(self, product_id: str, sku: str, intake: Intake) -> bool:
        receipt = Receipt(
            receipt_id=f"{product_id}-{intake.warehouse}",
            sku=sku,
            warehouse=intake.warehouse,
            quantity=intake.quantity,
        )

        async def send() -> bool:
            try:
                await self._peer.post("/internal/receipts", receipt, Nothing)
            except PeerRefused as refusal:
                log.error("inventory refused the first stock of %s: %s", product_id, refusal)
            return True

        return await self._writing.ask(send) is True

"""The services that inventory asks, over Dapr invocation: orders and catalog."""

from apps.shared.contracts.catalog import SkuOwner
from apps.shared.contracts.orders import OrderStanding
from apps.shared.platform.invocation import Peer


class OrdersPeer:
    """See `ports.Orders`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def find_status(self, order_id: str) -> str | None:
        standing = await self._peer.find(f"/internal/order-standings/{order_id}", OrderStanding)
        return standing.status if standing else None


class CatalogPeer:
    """See `ports.Catalog`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def find_owner(self, sku: str) -> SkuOwner | None:
        return await self._peer.find(f"/internal/skus/{sku}", SkuOwner)

"""The service that carts asks, over Dapr invocation: catalog."""

from apps.shared.contracts.catalog import Offer, Offers, QuoteProducts
from apps.shared.gathered import Gathered
from apps.shared.platform.invocation import Peer


class CatalogPeer:
    """See `ports.Catalog`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._questions: Gathered[str, Offer] = Gathered(self._ask)

    async def quote(self, product_ids: tuple[str, ...]) -> dict[str, Offer]:
        return await self._questions.find(product_ids)

    async def _ask(self, product_ids: tuple[str, ...]) -> dict[str, Offer]:
        answer = await self._peer.post("/internal/offers", QuoteProducts(product_ids=product_ids), Offers)
        return {offer.product_id: offer for offer in answer.offers}

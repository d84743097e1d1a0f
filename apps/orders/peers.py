"""The services that orders asks, over Dapr invocation: carts, catalog, checkout and notifications."""

from apps.orders.domain import Order
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.carts import CartLine, RestoreCart, TakeCart, TakenCart
from apps.shared.contracts.catalog import Offer, Offers, QuoteProducts
from apps.shared.contracts.checkout import (
    AskWorkflows,
    StartCancellation,
    StartCheckout,
    Started,
    WorkflowStatus,
    WorkflowStatuses,
)
from apps.shared.contracts.inventory import StockLine
from apps.shared.contracts.nothing import Nothing
from apps.shared.contracts.notifications import AskTold, Told
from apps.shared.gathered import Gathered
from apps.shared.platform.invocation import Peer


class CartsPeer:
    """See `ports.Carts`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def take(self, user_id: str, order_id: str) -> tuple[CartLine, ...]:
        taken = await self._peer.post(f"/internal/carts/{user_id}/take", TakeCart(order_id=order_id), TakenCart)
        return taken.lines

    async def restore(self, user_id: str, order_id: str) -> None:
        await self._peer.post(f"/internal/carts/{user_id}/restore", RestoreCart(order_id=order_id), Nothing)


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


class CheckoutPeer:
    """See `ports.Checkout`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def start(self, order: Order) -> None:
        lines = tuple(StockLine(sku=line.sku, quantity=line.quantity) for line in order.lines)
        command = StartCheckout(order_id=order.id, lines=lines, total=Amount.of(order.total))
        await self._peer.post("/internal/checkouts", command, Started)

    async def start_cancellation(self, order_id: str) -> None:
        await self._peer.post("/internal/cancellations", StartCancellation(order_id=order_id), Started)

    async def status(self, instance_id: str) -> WorkflowStatus:
        return await self._peer.get(f"/internal/workflows/{instance_id}", WorkflowStatus)

    async def end(self, instance_id: str) -> None:
        await self._peer.post(f"/internal/workflows/{instance_id}/end", Nothing(), Nothing)

    async def statuses(self, instance_ids: tuple[str, ...]) -> dict[str, WorkflowStatus]:
        answer = await self._peer.post("/internal/workflows", AskWorkflows(instance_ids=instance_ids), WorkflowStatuses)
        return answer.statuses


class NotificationsPeer:
    """See `ports.Notices`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def told(self, event_ids: tuple[str, ...]) -> frozenset[str]:
        answer = await self._peer.post("/internal/told", AskTold(event_ids=event_ids), Told)
        return frozenset(answer.event_ids)

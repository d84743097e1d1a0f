"""The events that an order has caused, as `orders` has published them, so that they can be delivered again."""

from typing import Any

from apps.shared.contracts import orders as contract
from apps.shared.contracts.amount import Amount

_KINDS: dict[str, type[contract.OrderEvent]] = {
    "confirmed": contract.OrderConfirmed,
    "paid": contract.OrderPaid,
    "cancelled": contract.OrderCancelled,
    "shipped": contract.OrderShipped,
    "delivered": contract.OrderDelivered,
}


def events_of(order: dict[str, Any]) -> list[contract.OrderEvent]:
    """One for each status that the order (an answer of the public API) has reached after `draft`, in that order."""
    failure = order["failure"] or {}
    return [
        _KINDS[entry["status"]].model_validate(
            {
                "event_id": f"{order['id']}:{entry['status']}",
                "occurred_at": entry["at"],
                "order_id": order["id"],
                "user_id": order["user_id"],
                "total": Amount(**order["total"]),
                **failure,
            }
        )
        for entry in order["timeline"]
        if entry["status"] != "draft"
    ]

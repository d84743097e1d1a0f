"""What the customers of a storm were to be told by mail, and what they were told: pure."""

from collections.abc import Iterator

from tools.storm.account import Aftermath, Telling

TOLD = frozenset({"confirmed", "paid", "cancelled"})


def expected_mails(after: Aftermath) -> set[Telling]:
    """One mail for each status that an order has entered and its customer is told of."""
    return {
        (after.owners[order_id], order_id, entry["status"])
        for order_id, order in after.orders.items()
        for entry in order["timeline"]
        if entry["status"] in TOLD
    }


def missing_mails(after: Aftermath) -> Iterator[str]:
    """Mails that were to come and did not, but for those of which the shop itself says that they may have been sent."""
    missing = expected_mails(after) - after.mails.keys() - after.unconfirmed
    return (f"{order_id} {status}" for _, order_id, status in sorted(missing))


def duplicate_mails(after: Aftermath) -> Iterator[str]:
    """Mails that tell the same person the same thing again."""
    for (_, order_id, status), number in sorted(after.mails.items()):
        if number > 1 and order_id in after.orders:
            yield f"{order_id} {status}: {number} times"


def strayed_mails(after: Aftermath) -> Iterator[str]:
    """Mails about orders of the storm that nobody was to get: to another's address, or of a status never entered."""
    strayed = (mail for mail in after.mails.keys() - expected_mails(after) if mail[1] in after.orders)
    return (f"{order_id} {status} to {to}" for to, order_id, status in sorted(strayed))

"""The steps of a checkout, in order, and what undoes each: pure data, so that a test can hold the saga against it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One activity. `undo` gives back what it took; `supersedes` names an earlier step whose undo this one's makes needless.

    A `final` step is never given up for a fault: once it may have been seen done, going back would be worse than waiting.
    """

    activity: str
    undo: str | None = None
    supersedes: str | None = None
    final: bool = False

    @property
    def app_id(self) -> str:
        return app_of(self.activity)


CHECKOUT = (
    Step("inventory.reserve_stock", undo="inventory.release_stock"),
    Step("payments.authorize_payment", undo="payments.void_authorization"),
    Step("orders.confirm_order"),
    Step("payments.capture_payment", undo="payments.refund_payment", supersedes="payments.authorize_payment"),
    Step("orders.mark_paid", final=True),
)

CHECKOUT_VERSIONS: Mapping[str, tuple[Step, ...]] = {"1": CHECKOUT}
"""Every plan by which a saga may be running, oldest first; new ones run by the last. None is ever edited (docs/upgrades.md)."""

END_AS_CANCELLED = "orders.cancel_order"

CANCELLATION = ("payments.refund_payment", "inventory.release_stock", END_AS_CANCELLED)


def app_of(activity: str) -> str:
    """The app that runs an activity: the first part of its name."""
    return activity.partition(".")[0]


def compensations(begun: tuple[Step, ...]) -> tuple[str, ...]:
    """What undoes the steps that took or may have taken effect: latest first, each thing once, and last of all the order's end."""
    superseded = {step.supersedes for step in begun}
    undone = (step.undo for step in reversed(begun) if step.undo and step.activity not in superseded)
    return (*undone, END_AS_CANCELLED)

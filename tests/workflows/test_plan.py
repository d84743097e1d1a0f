"""The plan undoes what was begun, latest first, each thing once."""

import pytest

from apps.shared.contracts import inventory, orders, payments
from workflows.checkout.plan import CANCELLATION, CHECKOUT, app_of, compensations

RELEASE, VOID, REFUND, CANCEL = (
    "inventory.release_stock",
    "payments.void_authorization",
    "payments.refund_payment",
    "orders.cancel_order",
)


@pytest.mark.parametrize(
    ("begun", "undone"),
    [
        (0, (CANCEL,)),
        (1, (RELEASE, CANCEL)),
        (2, (VOID, RELEASE, CANCEL)),
        (3, (VOID, RELEASE, CANCEL)),
        (4, (REFUND, RELEASE, CANCEL)),
        (5, (REFUND, RELEASE, CANCEL)),
    ],
)
def test_compensations(begun: int, undone: tuple[str, ...]) -> None:
    assert compensations(CHECKOUT[:begun]) == undone


def test_every_activity_is_one_that_its_app_offers() -> None:
    offered = {
        "inventory": {inventory.RESERVE_STOCK, inventory.RELEASE_STOCK},
        "orders": {orders.CONFIRM_ORDER, orders.MARK_PAID, orders.CANCEL_ORDER},
        "payments": {
            payments.AUTHORIZE_PAYMENT,
            payments.CAPTURE_PAYMENT,
            payments.VOID_AUTHORIZATION,
            payments.REFUND_PAYMENT,
        },
    }
    used = {step.activity for step in CHECKOUT} | {step.undo for step in CHECKOUT if step.undo} | set(CANCELLATION)
    assert used == set().union(*offered.values())
    assert all(activity in offered[app_of(activity)] for activity in used)

"""The states of an order: what may follow what, and what a cancellation stops."""

from datetime import timedelta

import pytest

from apps.orders import domain
from apps.orders.domain import Failure, Order, OrderLine, OrderStatus, PaymentChoice, ShippingAddress, TransitionRefused
from apps.shared.money import Money
from tests.unit.fakes import NOON

LATER = NOON + timedelta(seconds=5)
ADDRESS = ShippingAddress(name="Ada", line1="1 Way", city="York", postal_code="1", country="GB")
LINES = (
    OrderLine("prd_1", "SKU1", "Pen", 2, Money(150, "USD")),
    OrderLine("prd_2", "SKU2", "Ink", 1, Money(700, "USD")),
)
DECLINED = Failure("payment_declined", "The card was declined.")


def drafted() -> Order:
    return domain.draft_order(
        order_id="ord_1",
        user_id="usr_1",
        lines=LINES,
        payment=PaymentChoice("sandbox", "tok_visa"),
        shipping_address=ADDRESS,
        at=NOON,
    )


def in_status(status: OrderStatus) -> Order:
    order = drafted()
    if status is OrderStatus.CANCELLED:
        return domain.cancel(order, DECLINED, NOON)
    for step in (OrderStatus.CONFIRMED, OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        if order.status is status:
            return order
        order, _ = domain.advance(order, step, NOON)
    return order


def test_a_draft_totals_its_lines() -> None:
    order = drafted()
    assert (order.status, order.total) == (OrderStatus.DRAFT, Money(1000, "USD"))
    assert [(entry.status, entry.at) for entry in order.timeline] == [(OrderStatus.DRAFT, NOON)]


def test_an_empty_cart_or_two_currencies_are_no_order() -> None:
    with pytest.raises(domain.EmptyCart):
        domain.draft_order(
            order_id="o", user_id="u", lines=(), payment=PaymentChoice("s", "t"), shipping_address=ADDRESS, at=NOON
        )
    mixed = (*LINES, OrderLine("prd_3", "SKU3", "Pad", 1, Money(1, "EUR")))
    with pytest.raises(domain.MixedCurrencies):
        domain.draft_order(
            order_id="o", user_id="u", lines=mixed, payment=PaymentChoice("s", "t"), shipping_address=ADDRESS, at=NOON
        )


STEPS = [OrderStatus.CONFIRMED, OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED]
RANK = {status: rank for rank, status in enumerate([OrderStatus.DRAFT, *STEPS])}


@pytest.mark.parametrize("to", STEPS)
@pytest.mark.parametrize("status", list(RANK))
def test_one_step_at_a_time_and_never_back(status: OrderStatus, to: OrderStatus) -> None:
    order = in_status(status)
    if RANK[to] <= RANK[status]:
        assert domain.advance(order, to, LATER) == (order, None)
    elif RANK[to] == RANK[status] + 1:
        moved, refusal = domain.advance(order, to, LATER)
        assert (moved.status, moved.reached_at(to), refusal) == (to, LATER, None)
    else:
        with pytest.raises(TransitionRefused):
            domain.advance(order, to, LATER)


@pytest.mark.parametrize("to", STEPS)
def test_a_cancelled_order_stays_cancelled(to: OrderStatus) -> None:
    order = in_status(OrderStatus.CANCELLED)
    assert domain.advance(order, to, LATER) == (order, DECLINED)


@pytest.mark.parametrize("status", [OrderStatus.DRAFT, OrderStatus.CONFIRMED])
def test_a_wish_to_cancel_turns_the_next_step_back(status: OrderStatus) -> None:
    order = domain.request_cancellation(in_status(status), LATER)
    following = STEPS[RANK[status]]
    same, refusal = domain.advance(order, following, LATER)
    assert same == order
    assert refusal == Failure("cancelled_by_customer", "The customer cancelled the order.")


def test_the_wish_is_noted_once() -> None:
    order = domain.request_cancellation(in_status(OrderStatus.PAID), NOON)
    assert domain.request_cancellation(order, LATER) == order
    cancelled = in_status(OrderStatus.CANCELLED)
    assert domain.request_cancellation(cancelled, LATER) == cancelled


@pytest.mark.parametrize("status", [OrderStatus.SHIPPED, OrderStatus.DELIVERED])
def test_what_was_shipped_cannot_be_cancelled(status: OrderStatus) -> None:
    with pytest.raises(TransitionRefused):
        domain.request_cancellation(in_status(status), LATER)
    with pytest.raises(TransitionRefused):
        domain.cancel(in_status(status), DECLINED, LATER)


def test_cancelling_twice_keeps_the_first_reason() -> None:
    order = in_status(OrderStatus.CANCELLED)
    assert domain.cancel(order, Failure("internal_error", "x"), LATER) == order


@pytest.mark.parametrize("status", [OrderStatus.PAID, OrderStatus.CANCELLED])
def test_the_token_is_dropped_when_it_is_spent(status: OrderStatus) -> None:
    assert in_status(OrderStatus.CONFIRMED).payment.token == "tok_visa"
    assert in_status(status).payment == PaymentChoice("sandbox", "")


def test_shipping_is_for_paid_orders_that_nobody_wants_undone() -> None:
    paid = in_status(OrderStatus.PAID)
    shipped = domain.fulfil(paid, OrderStatus.SHIPPED, LATER)
    assert (shipped.status, shipped.unannounced) == (OrderStatus.SHIPPED, (OrderStatus.SHIPPED,))
    assert domain.fulfil(shipped, OrderStatus.SHIPPED, LATER) == shipped
    for refused in (
        domain.request_cancellation(paid, NOON),
        in_status(OrderStatus.CONFIRMED),
        in_status(OrderStatus.CANCELLED),
    ):
        with pytest.raises(TransitionRefused):
            domain.fulfil(refused, OrderStatus.SHIPPED, LATER)
    with pytest.raises(TransitionRefused):
        domain.fulfil(paid, OrderStatus.DELIVERED, LATER)


def test_the_first_answer_can_be_told_again() -> None:
    assert domain.as_drafted(in_status(OrderStatus.CANCELLED)).status is OrderStatus.DRAFT
    assert domain.as_drafted(in_status(OrderStatus.PAID)).timeline == drafted().timeline


def test_a_paid_order_ends_because_its_customer_wanted_so_whichever_saga_says_it_first() -> None:
    order = domain.request_cancellation(in_status(OrderStatus.PAID), LATER)
    cancelled = domain.cancel(order, Failure("internal_error", "There was nothing to hold any more."), LATER)
    assert (cancelled.status, cancelled.failure) == (OrderStatus.CANCELLED, domain.BY_CUSTOMER)

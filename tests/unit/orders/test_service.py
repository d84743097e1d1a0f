"""Placing, cancelling and fulfilling orders, and what a crash at any point leaves to the retry."""

from typing import Any

import pytest

from apps.orders import domain
from apps.orders.domain import Failure, Order, OrderStatus
from apps.orders.ports import AuditedOrder
from apps.orders.service import ATTEMPT_SECONDS
from apps.shared.contracts.catalog import Offer
from apps.shared.contracts.checkout import WorkflowStatus, cancellation_id
from apps.shared.contracts.orders import FailureCode, OrderCancelled
from apps.shared.contracts.step import StepOutcome
from apps.shared.platform.sidecar import SidecarError
from tests.unit.orders.fakes import FakeCatalog
from tests.unit.orders.room import Room, crash, fail


async def test_placing_saves_a_draft_at_current_prices_and_starts_its_saga(room: Room) -> None:
    order = await room.place()
    assert (order.status, order.total.amount_minor) == (OrderStatus.DRAFT, 1000)
    assert room.checkout.started == [order.id]
    assert room.carts.lines == []
    assert await room.service.get(order.id) == order


async def test_the_same_key_answers_the_first_answer_and_starts_nothing_again(room: Room) -> None:
    first = await room.place()
    await room.service.confirm(first.id)
    assert await room.place() == first
    assert room.checkout.started == [first.id]


async def test_the_same_key_with_another_body_is_refused(room: Room) -> None:
    await room.place()
    with pytest.raises(domain.KeyReused):
        await room.place(body=b"{}")


async def test_keys_belong_to_users(room: Room) -> None:
    first = await room.place()
    room.carts.lines = list(room.carts.taken[first.id])
    assert (await room.place(user_id="usr_2")).id != first.id


async def test_a_request_still_being_handled_is_a_conflict_until_it_must_have_died(room: Room) -> None:
    room.catalog.quote = crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.place()
    with pytest.raises(domain.KeyInFlight):
        await room.place()
    room.clock.pass_time(seconds=ATTEMPT_SECONDS + 1)
    room.catalog.quote = FakeCatalog(pen=150, ink=700).quote  # type: ignore[method-assign]
    order = await room.place()
    assert (order.id, order.total.amount_minor) == ("ord_1", 1000)
    assert room.checkout.started == ["ord_1"]


async def test_a_saga_that_could_not_be_started_is_started_by_the_retry(room: Room) -> None:
    room.checkout.broken = True
    with pytest.raises(ConnectionError):
        await room.place()
    room.checkout.broken = False
    order = await room.place()
    assert room.checkout.started == [order.id]
    assert (await room.service.list_page("usr_1", before=None, limit=9)) == ([order], None)


async def test_an_empty_cart_frees_the_key(room: Room) -> None:
    lines, room.carts.lines = room.carts.lines, []
    with pytest.raises(domain.EmptyCart):
        await room.place()
    room.carts.lines = lines
    assert (await room.place()).status is OrderStatus.DRAFT


async def test_a_product_no_longer_for_sale_leaves_the_cart_as_it_was(room: Room) -> None:
    del room.catalog.prices_minor["ink"]
    with pytest.raises(domain.ProductUnavailable, match="ink"):
        await room.place()
    assert [line.product_id for line in room.carts.lines] == ["pen", "ink"]
    assert room.checkout.started == []


async def test_a_catalog_that_does_not_answer_leaves_cart_and_key_as_they_were(room: Room) -> None:
    quote, room.catalog.quote = room.catalog.quote, fail  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        await room.place()
    assert [line.product_id for line in room.carts.lines] == ["pen", "ink"]
    room.catalog.quote = quote  # type: ignore[method-assign]
    assert (await room.place()).status is OrderStatus.DRAFT


async def test_a_cart_that_cannot_be_given_back_now_is_given_back_by_the_sweep(room: Room) -> None:
    room.catalog.quote = fail  # type: ignore[method-assign, assignment]
    room.carts.restore = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        await room.place()
    del room.carts.restore
    await room.sweep_later()
    assert [line.product_id for line in room.carts.lines] == ["pen", "ink"]


async def test_a_cart_that_could_not_be_given_back_is_given_back_by_the_retry_and_ordered(room: Room) -> None:
    quote, room.catalog.quote = room.catalog.quote, fail  # type: ignore[method-assign, assignment]
    room.carts.restore = fail  # type: ignore[method-assign, assignment]
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await room.place()
    del room.carts.restore
    room.catalog.quote = quote  # type: ignore[method-assign]
    order = await room.place(body=b"{}")
    assert [line.product_id for line in order.lines] == ["pen", "ink"]
    assert room.carts.taken.keys() == {order.id}
    assert await room.place(body=b"{}") == order


async def test_a_retry_orders_the_cart_that_the_sweep_has_given_back_meanwhile(room: Room) -> None:
    quote, room.catalog.quote = room.catalog.quote, crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.place()
    await room.sweep_later()
    assert [line.product_id for line in room.carts.lines] == ["pen", "ink"]
    room.catalog.quote = quote  # type: ignore[method-assign]
    order = await room.place()
    assert [line.product_id for line in order.lines] == ["pen", "ink"]
    assert await room.place() == order


async def test_one_cart_makes_one_order(room: Room) -> None:
    await room.place("k1")
    with pytest.raises(domain.EmptyCart):
        await room.place("k2")


async def test_the_saga_steps_move_the_order_and_tell_each_status_once_by_id(room: Room) -> None:
    order = await room.place()
    for _ in range(2):
        assert await room.service.confirm(order.id) == StepOutcome()
    for _ in range(2):
        assert await room.service.mark_paid(order.id) == StepOutcome()
    assert room.events.ids == ["ord_1:confirmed"] * 2 + ["ord_1:paid"] * 2
    assert await room.service.confirm(order.id) == StepOutcome()
    assert len(room.events.ids) == 4


async def test_a_step_that_could_not_publish_publishes_when_it_is_repeated(room: Room) -> None:
    order = await room.place()
    room.events.broken = True
    with pytest.raises(ConnectionError):
        await room.service.confirm(order.id)
    room.events.broken = False
    await room.service.confirm(order.id)
    assert room.events.ids == ["ord_1:confirmed"]


async def test_cancelling_a_running_order_turns_its_saga_back(room: Room) -> None:
    order = await room.place()
    await room.service.request_cancellation(order.id)
    outcome = await room.service.confirm(order.id)
    assert outcome.refusal == FailureCode.CANCELLED_BY_CUSTOMER
    assert room.checkout.cancellations == []
    await room.service.cancel(order.id, Failure("cancelled_by_customer", "The customer cancelled the order."))
    event = room.events.published[-1]
    assert isinstance(event, OrderCancelled)
    assert (event.event_id, event.code) == ("ord_1:cancelled", FailureCode.CANCELLED_BY_CUSTOMER)


async def test_cancelling_a_paid_order_starts_a_saga_of_its_own(room: Room) -> None:
    order = await room.paid()
    await room.service.request_cancellation(order.id)
    assert room.checkout.cancellations == [order.id]
    with pytest.raises(domain.TransitionRefused):
        await room.service.fulfil(order.id, OrderStatus.SHIPPED)


async def test_shipping_is_told_even_when_the_first_try_could_not(room: Room) -> None:
    order = await room.paid()
    room.events.broken = True
    with pytest.raises(ConnectionError):
        await room.service.fulfil(order.id, OrderStatus.SHIPPED)
    room.events.broken = False
    await room.sweep_later()
    assert room.events.ids[-1] == "ord_1:shipped"
    told = len(room.events.ids)
    await room.service.fulfil(order.id, OrderStatus.SHIPPED)
    assert len(room.events.ids) == told


async def test_both_shipping_and_delivery_are_told_when_the_first_could_not(room: Room) -> None:
    order = await room.paid()
    room.events.broken = True
    with pytest.raises(ConnectionError):
        await room.service.fulfil(order.id, OrderStatus.SHIPPED)
    room.events.broken = False
    await room.service.fulfil(order.id, OrderStatus.DELIVERED)
    assert room.events.ids[-2:] == ["ord_1:shipped", "ord_1:delivered"]


async def test_an_own_attempt_whose_answer_was_lost_is_carried_on(room: Room) -> None:
    call = room.sidecar.call
    lost: list[str] = []

    async def lose_the_first_commit(method: str, path: str, **rest: Any) -> Any:
        answer = await call(method, path, **rest)
        if path.endswith("transaction") and not lost:
            lost.append(path)
            raise SidecarError("POST", 500, "ERR_STATE_TRANSACTION", "")
        return answer

    room.sidecar.call = lose_the_first_commit  # type: ignore[method-assign]
    assert (await room.place()).id == "ord_1"
    assert lost


async def test_a_slow_attempt_leaves_key_and_cart_to_the_one_that_carries_it_on(room: Room) -> None:
    quote = room.catalog.quote

    async def slow(_: tuple[str, ...]) -> dict[str, Offer]:
        room.catalog.quote = quote  # type: ignore[method-assign]
        room.clock.pass_time(seconds=ATTEMPT_SECONDS + 1)
        await room.place()
        raise ConnectionError

    room.catalog.quote = slow  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        await room.place()
    assert room.carts.lines == []
    assert (await room.place()).id == "ord_1"
    assert room.checkout.started == ["ord_1"]


async def test_an_attempt_that_was_carried_on_and_died_again_is_swept(room: Room) -> None:
    quote, room.catalog.quote = room.catalog.quote, crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.place()
    await room.sweep_later()
    room.catalog.quote, room.checkout.broken = quote, True  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await room.place()
    await room.sweep_later()
    (order,), _ = await room.service.list_page("usr_1", before=None, limit=9)
    assert order.status is OrderStatus.CANCELLED


async def test_history_comes_newest_first_in_pages(room: Room) -> None:
    placed: list[Order] = []
    for number in range(3):
        room.carts.lines = list((await room.carts.take("usr_1", placed[-1].id)) if placed else room.carts.lines)
        placed.append(await room.place(f"key {number}"))
    page, rest = await room.service.list_page("usr_1", before=None, limit=2)
    assert [order.id for order in page] == [placed[2].id, placed[1].id]
    page, rest = await room.service.list_page("usr_1", before=rest, limit=2)
    assert ([order.id for order in page], rest) == ([placed[0].id], None)


async def test_an_audit_sees_every_order_ever_begun_and_its_workflows(room: Room) -> None:
    assert await room.service.audit_page(after=(0, 0), limit=10) == ([], None)
    room.catalog.quote = crash  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.place("abandoned")
    room.catalog.quote = FakeCatalog(pen=150, ink=700).quote  # type: ignore[method-assign]
    room.carts.lines = list(room.carts.taken["ord_1"])
    room.clock.pass_time(hours=30)
    order = await room.paid()
    order = await room.service.request_cancellation(order.id)
    room.checkout.started.append(cancellation_id(order.id))
    audited = await audit_of(room, limit=1)
    running, none = WorkflowStatus(exists=True, running=True), WorkflowStatus(exists=False, running=False)
    assert audited == {
        "ord_1": AuditedOrder("ord_1", None, workflow=none, cancellation=none),
        order.id: AuditedOrder(order.id, order, workflow=running, cancellation=running),
    }
    assert await audit_of(room, limit=100) == audited


async def audit_of(room: Room, *, limit: int) -> dict[str, AuditedOrder]:
    audited: dict[str, AuditedOrder] = {}
    place: tuple[int, int] | None = (0, 0)
    while place is not None:
        page, place = await room.service.audit_page(after=place, limit=limit)
        assert len(page) <= limit
        audited |= {one.order_id: one for one in page}
    return audited

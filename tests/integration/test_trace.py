"""One checkout is one trace: gateway, invocation, workflow and its steps, payments, events, notifications, daprd's spans included."""

import uuid

from tests.support.client import Client, eventually
from tests.support.otlp import ReceivedSpan, SpanReceiver

STEPS = [
    "inventory.reserve_stock",
    "payments.authorize_payment",
    "orders.confirm_order",
    "payments.capture_payment",
    "orders.mark_paid",
]


async def test_one_checkout_is_one_trace(admin: Client, shopper: Client, spans: SpanReceiver) -> None:
    product = await admin.new_product()
    await shopper.fill_cart(product["id"], 1)
    trace_id = uuid.uuid4().hex
    placed = await shopper.place(traceparent=f"00-{trace_id}-{uuid.uuid4().hex[:16]}-01")
    order = placed.expect(202)
    assert trace_id in placed.headers["traceparent"]
    await shopper.follow(order["id"], "paid")

    async def look() -> list[ReceivedSpan]:
        return spans.trace(trace_id)

    def whole(trace: list[ReceivedSpan]) -> bool:
        names = {span.name for span in trace}
        return all(any(step in name for name in names) for step in STEPS) and any(
            span.service == "notifications" for span in trace
        )

    trace = await eventually(look, whole, seconds=30)
    services = {span.service for span in trace}
    assert {"gateway", "orders", "carts", "catalog", "checkout", "inventory", "payments", "notifications"} <= services
    for service in ("gateway", "orders", "checkout", "inventory", "payments", "notifications"):
        assert {span.from_daprd for span in trace if span.service == service} == {True, False}, service
    ids = {span.span_id for span in trace}
    orphans = [span for span in trace if span.parent_id and span.parent_id not in ids]
    assert len(orphans) <= len(trace) // 2, orphans

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


BOTH_SIDES = {
    (service, from_daprd)
    for service in ("gateway", "orders", "carts", "catalog", "checkout", "inventory", "payments", "notifications")
    for from_daprd in (True, False)
}


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
        seen = {(span.service, span.from_daprd) for span in trace}
        names = {span.name for span in trace}
        return (
            seen >= BOTH_SIDES
            and all(any(step in name for name in names) for step in STEPS)
            and orphans(trace) == {"gateway POST /api/v1/orders"}
        )

    await eventually(look, whole)


def orphans(trace: list[ReceivedSpan]) -> set[str]:
    """Spans whose parent is not in the trace; the shopper's own span, which the test makes up, is one such parent."""
    ids = {span.span_id for span in trace}
    return {f"{span.service} {span.name}" for span in trace if span.parent_id and span.parent_id not in ids}

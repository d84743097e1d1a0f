"""What no parser reads for certain, and what looks like a card number, stops at the gateway, and nothing of it comes back."""

import pytest

from apps.shared.platform.telemetry import UrlRedaction
from tests.unit.gateway.fakes import Shop

CARD = "4111111111111111"
URL = "/api/v1/orders"

REFUSED = [
    (400, b"{"),
    (400, b"nonsense"),
    (400, b"\xef\xbb\xbf{}"),
    (400, '{"a":1}'.encode("utf-16")),
    (400, b'{"name":"\xff\xfe"}'),
    (400, b'{"name":"\xed\xa0\x80"}'),
    (400, b'{"name":"\\ud800"}'),
    (400, b'{"\\udfff":1}'),
    (400, b'{"name":"a\\u0000b"}'),
    (400, b'{"name":"a\x00b"}'),
    (400, b'{"a":1,"a":2}'),
    (400, b'[{"b":{"a":1,"\\u0061":2}}]'),
    (400, b'{"a":NaN}'),
    (400, b'{"a":-Infinity}'),
    (400, b'{"a":1e999}'),
    (400, b'{"a":%s}' % (b"9" * 5000)),
    (400, b"[" * 100_000),
    (400, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    (422, b'{"token":"4111111111111111"}'),
    (422, b'{"token":"tok_4111-1111-1111-1111"}'),
    (422, b'{"a":[{"b":"Pay with 4111 1111 1111 1111 please"}]}'),
    (422, b'{"a":4111111111111111}'),
    (422, b'{"a":4111111111111111.0}'),
    (422, b'{"a":4.111111111111111e15}'),
    (422, b'{"4111111111111111":1}'),
    (422, b'{"a":"\\u00341111111\\u00311111111"}'),
    (422, b'"4111111111111111"'),
]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize(("status", "body"), REFUSED, ids=lambda part: repr(part)[:40])
async def test_what_is_refused_reaches_no_service(shop: Shop, status: int, body: bytes) -> None:
    reply = await shop.call("POST", URL, token=shop.token(), body=[body])
    reply.problem(status)
    assert (status == 422) == (b"card number" in reply.body)
    assert CARD.encode() not in reply.body.replace(b" ", b"").replace(b"-", b"")
    assert shop.sidecar.sent == []


@pytest.mark.parametrize(
    "body",
    [b"{}", b" [1, 2.5, null, true]\n", '{"name":"José 😀 \\ud83d\\ude00"}'.encode(), b'{"a":[{"a":1},{"a":1}]}', b""],
)
async def test_what_is_clear_passes_byte_for_byte(shop: Shop, body: bytes) -> None:
    assert (await shop.call("POST", URL, token=shop.token(), body=[body])).status == 200
    assert (shop.sidecar.sent[0].body or b"") == body


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "text/json", "json", "application"]
)
async def test_only_json_is_taken(shop: Shop, kind: str) -> None:
    reply = await shop.call("POST", URL, token=shop.token(), body=[b"{}"], content_type=kind)
    reply.problem(415)
    assert shop.sidecar.sent == []


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.plaza+json"])
async def test_json_by_any_name(shop: Shop, kind: str) -> None:
    assert (await shop.call("POST", URL, token=shop.token(), body=[b"{}"], content_type=kind)).status == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/api/v1/orders/{CARD}", ""),
        ("/nowhere/4111-1111-1111-1111", ""),
        ("/api/v1/products", f"q={CARD}"),
        ("/api/v1/products", "q=4111+1111%201111%2D1111"),
        ("/api/v1/products", f"{CARD}=x"),
    ],
)
async def test_a_card_number_in_a_url_stops_at_the_door(shop: Shop, path: str, query: str) -> None:
    reply = await shop.call("GET", path, query=query, token=shop.token())
    assert reply.problem(422)["instance"] == "/"
    assert b"1111" not in reply.body
    assert reply.headers["x-request-id"]
    assert shop.sidecar.sent == []


async def test_a_card_number_is_no_request_id(shop: Shop) -> None:
    reply = await shop.call("GET", "/api/v1/products", x_request_id="4111-1111-1111-1111")
    assert "1111" not in reply.headers["x-request-id"]


def test_traces_keep_no_query_and_no_card_number() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    provider.add_span_processor(UrlRedaction())
    tracer = provider.get_tracer("test")
    for path, shown in ((f"/api/v1/orders/{CARD}", "REDACTED"), ("/api/v1/orders/ord_1", "/api/v1/orders/ord_1")):
        span = tracer.start_span("GET", attributes={"url.path": path, "url.query": "q=anything"})
        assert span.attributes == {"url.path": shown, "url.query": "REDACTED"}  # type: ignore[attr-defined]
        span.end()

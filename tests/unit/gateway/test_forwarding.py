"""What passes in, what passes out, and what an outage looks like from outside."""

import re

import pytest

from apps.shared.platform.sidecar import Answer, SidecarError
from tests.unit.gateway.fakes import Shop, problem_answer

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_only_known_headers_pass_in(shop: Shop) -> None:
    await shop.call(
        "POST",
        "/api/v1/orders",
        token=shop.token(),
        body=[b'{"a":', b"1}"],
        content_type="application/json",
        accept="application/json",
        idempotency_key="k-1",
        if_match='"a"',
        if_none_match='"b"',
        x_cart_id="crt_1",
        last_event_id="paid",
        x_request_id="req-1",
        x_plaza_user_id="usr_admin",
        x_plaza_role="admin",
        dapr_api_token="t",
        dapr_app_id="payments",
        dapr_caller_app_id="checkout",
        cookie="a=b",
        x_forwarded_for="10.0.0.1",
        host="203.0.113.9",
    )
    (sent,) = shop.sidecar.sent
    assert sent.body == b'{"a":1}'
    assert sent.headers == {
        "content-type": "application/json",
        "accept": "application/json",
        "idempotency-key": "k-1",
        "if-match": '"a"',
        "if-none-match": '"b"',
        "x-cart-id": "crt_1",
        "last-event-id": "paid",
        "x-request-id": "req-1",
        "x-plaza-user-id": "usr_1",
        "x-plaza-role": "customer",
    }


async def test_the_query_passes_byte_for_byte(shop: Shop) -> None:
    query = "q=caf%C3%A9+cr%e8me&category=a%2Fb&q=&x"
    await shop.call("GET", "/api/v1/products", query=query)
    assert shop.sidecar.sent[0].query == query
    (await shop.call("GET", "/api/v1/products", query="q=café")).problem(400)
    assert len(shop.sidecar.sent) == 1


async def test_only_known_headers_pass_out(shop: Shop) -> None:
    given = {
        "Content-Type": "application/json",
        "Etag": '"v1"',
        "Location": "/api/v1/orders/ord_1",
        "X-Cart-Id": "crt_1",
        "Cache-Control": "private",
        "Dapr-App-Id": "orders",
        "Server": "uvicorn",
        "Set-Cookie": "a=b",
        "Traceparent": "00-1-2-01",
    }
    shop.sidecar.answer = Answer(202, given, b'{"id":"ord_1"}')
    reply = await shop.call("POST", "/api/v1/orders", token=shop.token(), x_request_id="req-1")
    assert (reply.status, reply.body) == (202, b'{"id":"ord_1"}')
    assert reply.headers == {
        "content-type": "application/json",
        "content-length": "14",
        "etag": '"v1"',
        "location": "/api/v1/orders/ord_1",
        "x-cart-id": "crt_1",
        "cache-control": "private",
        "x-request-id": "req-1",
        "x-content-type-options": "nosniff",
        "ratelimit-limit": "600",
        "ratelimit-remaining": "599",
        "ratelimit-reset": "1",
        "traceparent": reply.headers["traceparent"],
    }
    assert TRACEPARENT.fullmatch(reply.headers["traceparent"])


async def test_the_trace_of_the_caller_goes_on(shop: Shop) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = await shop.call("GET", "/api/v1/products", traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
    assert reply.headers["traceparent"].split("-")[1] == trace_id


@pytest.mark.parametrize("given", ["", "with space", "a" * 129, "ünicode", 'x"y'])
async def test_odd_request_ids_are_replaced_on_problems_too(shop: Shop, given: str) -> None:
    reply = await shop.call("GET", "/nowhere", x_request_id=given)
    reply.problem(404)
    assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_good_request_ids_are_kept_on_problems(shop: Shop) -> None:
    assert (await shop.call("GET", "/nowhere", x_request_id="A.b-9_")).headers["x-request-id"] == "A.b-9_"


@pytest.mark.parametrize(
    "answer",
    [
        SidecarError("POST /v1.0/invoke/carts", 0, "", "Cannot connect to carts"),
        Answer(500, {"Content-Type": "application/json"}, b'{"errorCode":"ERR_DIRECT_INVOKE","message":"app carts"}'),
        Answer(403, {"Content-Type": "application/json"}, b'{"errorCode":"ERR_PERMISSION","message":"app carts"}'),
        Answer(502, {"Content-Type": "text/html"}, b"<html>carts</html>"),
        Answer(500, {}, b"Internal Server Error"),
    ],
)
async def test_a_dead_service_is_a_503_that_tells_no_secrets(shop: Shop, answer: Answer | Exception) -> None:
    shop.sidecar.answer = answer
    reply = await shop.call("GET", "/api/v1/cart")
    problem = reply.problem(503)
    assert reply.headers["retry-after"] == "1"
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert "carts" not in problem["detail"]
    assert "ERR_" not in reply.body.decode()


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 503])
async def test_problems_of_services_pass(shop: Shop, status: int) -> None:
    shop.sidecar.answer = problem_answer(status, "said by carts")
    assert (await shop.call("GET", "/api/v1/cart")).problem(status)["detail"] == "said by carts"


async def test_errors_that_are_no_problems_become_such(shop: Shop) -> None:
    shop.sidecar.answer = Answer(400, {"Content-Type": "text/plain"}, b"Invalid HTTP request received.")
    assert "Invalid" not in (await shop.call("GET", "/api/v1/cart")).problem(400)["detail"]


async def test_not_modified_passes(shop: Shop) -> None:
    shop.sidecar.answer = Answer(304, {"Etag": '"v"'}, b"")
    reply = await shop.call("GET", "/api/v1/cart", if_none_match='"v"')
    assert (reply.status, reply.headers["etag"], reply.body) == (304, '"v"', b"")


async def test_bodies_are_counted_whatever_their_header_says() -> None:
    shop = Shop(max_body_bytes=10)
    full = await shop.call("POST", "/auth/refresh", body=[b"12345", b"67890"])
    assert full.status == 200
    over = await shop.call("POST", "/auth/refresh", body=[b"12345", b"67890", b"1"], content_length="2")
    over.problem(413)
    assert [sent.body for sent in shop.sidecar.sent] == [b"1234567890"]


async def test_the_default_limit_is_a_mebibyte(shop: Shop) -> None:
    text = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    assert (await shop.call("POST", "/auth/refresh", body=[text])).status == 200
    (await shop.call("POST", "/auth/refresh", body=[text, b" "])).problem(413)


async def test_sign_in_answers_are_never_stored(shop: Shop) -> None:
    assert (await shop.call("POST", "/auth/refresh")).headers["cache-control"] == "no-store"
    shop.sidecar.answer = problem_answer(401)
    assert (await shop.call("POST", "/auth/login")).headers["cache-control"] == "no-store"


async def test_a_bug_is_a_problem_with_a_request_id(shop: Shop) -> None:
    shop.sidecar.answer = RuntimeError("secret detail")
    reply = await shop.call("GET", "/api/v1/cart", x_request_id="req-1")
    assert "secret" not in reply.problem(500)["detail"]
    assert reply.headers["x-request-id"] == "req-1"

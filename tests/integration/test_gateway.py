"""The gateway before real sidecars: whom it believes, what it lets through, and how an order is followed."""

import pytest

from tests.support.client import Client


async def test_nobody_names_himself(shop_url: str) -> None:
    async with Client(shop_url) as client:
        answer = await client.call("GET", "/api/v1/orders", x_plaza_user_id="usr_1", x_plaza_role="admin")
        answer.problem(401)


@pytest.mark.parametrize("path", ["/nope", "/internal/users/usr_1/contact", "/api/v1/orders/%2e%2e%2finternal"])
async def test_nothing_but_the_table_is_reachable(shopper: Client, path: str) -> None:
    (await shopper.call("GET", path)).problem(404)


async def test_other_methods_are_told_which_there_are(shopper: Client) -> None:
    answer = await shopper.call("PATCH", "/api/v1/orders")
    answer.problem(405)
    assert answer.headers["Allow"] == "GET, POST"


@pytest.mark.filterwarnings(
    "ignore:Sending a large body:ResourceWarning"
)  # of the client, which starts where our limit does
async def test_a_body_over_the_limit(shop_url: str) -> None:
    async with Client(shop_url) as client:
        (await client.call("POST", "/auth/login", {"email": "x" * 1_100_000, "password": "x"})).problem(413)


async def test_request_ids_traces_and_limits_show_in_answers(shop_url: str) -> None:
    trace_id = "a" * 32
    async with Client(shop_url) as client:
        answer = await client.call(
            "GET", "/api/v1/categories", x_request_id="good-id.1", traceparent=f"00-{trace_id}-{'b' * 16}-01"
        )
        answer.expect(200)
        sent = {name.lower(): value for name, value in answer.headers.items()}
        assert sent["x-request-id"] == "good-id.1"
        assert sent["traceparent"].split("-")[1] == trace_id
        assert int(sent["ratelimit-remaining"]) < int(sent["ratelimit-limit"])
        refused = await client.call("GET", "/api/v1/nope", x_request_id="bad id")
        made = {name.lower(): value for name, value in refused.headers.items()}["x-request-id"]
        assert made not in ("", "bad id")


async def test_an_order_is_followed_from_where_the_client_left(admin: Client, shopper: Client) -> None:
    product = await admin.new_product(quantity=1)
    await shopper.fill_cart(product["id"], 1)
    order = (await shopper.place()).expect(202)
    await shopper.follow(order["id"], "paid")
    path = f"/api/v1/orders/{order['id']}/events"
    resumed = await shopper.call("GET", path, last_event_id="confirmed")
    events = [line for line in resumed.body.decode().splitlines() if line.startswith(("id:", "event:"))]
    assert events == ["id: paid", "event: status"]
    (await shopper.call("GET", path, last_event_id="paid")).expect(204)
    (await shopper.call("GET", "/api/v1/orders/ord_x/events")).problem(404)


async def test_the_description_and_its_page(shop_url: str) -> None:
    async with Client(shop_url) as client:
        document = (await client.call("GET", "/openapi.json")).expect(200)
        assert "/api/v1/orders/{order_id}/events" in document["paths"]
        page = await client.call("GET", "/docs")
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert b"http://" not in page.body
        assert b"https://" not in page.body

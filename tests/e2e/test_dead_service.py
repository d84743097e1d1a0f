"""A service that dies is a 503 problem at the gateway, the rest goes on, and all is well once it is back."""

from typing import Any

import psutil
import pytest

from tests.support.client import PASSWORD, Client, eventually
from tests.support.processes import killed_app


@pytest.mark.parametrize("app_id", ["catalog", "users", "carts", "orders", "inventory", "notifications"])
async def test_a_dead_service_is_a_problem_and_comes_back(
    app_id: str, admin: Client, shopper: Client, run_json: dict[str, Any]
) -> None:
    product = await admin.new_product()
    paths = {
        "catalog": "/api/v1/products",
        "users": f"/api/v1/users/{shopper.user_id}",
        "carts": "/api/v1/cart",
        "orders": "/api/v1/orders",
        "inventory": f"/api/v1/inventory/{product['sku']}",
        "notifications": "/api/v1/notifications",
    }
    client = admin if app_id == "inventory" else shopper
    (await client.call("GET", paths[app_id])).expect(200)
    with killed_app(run_json, app_id):
        problem = (await client.call("GET", paths[app_id])).problem(503)
        assert app_id not in problem["detail"]
        alive = "/api/v1/categories" if app_id != "catalog" else "/api/v1/notifications"
        (await shopper.call("GET", alive)).expect(200)
    await eventually(lambda: client.call("GET", paths[app_id]), lambda answer: answer.status == 200)


@pytest.mark.parametrize("app_id", ["payments", "checkout"])
async def test_an_order_waits_for_a_service_that_died(
    app_id: str, admin: Client, shopper: Client, run_json: dict[str, Any]
) -> None:
    product = await admin.new_product(quantity=2)
    await shopper.fill_cart(product["id"], 2)
    with killed_app(run_json, app_id):
        answer = await shopper.place(key="while-dead")
        if app_id == "checkout":
            answer.problem(503)
        else:
            answer.expect(202)
    answer = await eventually(lambda: shopper.place(key="while-dead"), lambda answer: answer.status == 202)
    assert (await shopper.follow(answer.json["id"]))["status"] == "paid"
    stock = await eventually(lambda: admin.stock(product["sku"]), lambda stock: stock["sold"] == 2)
    assert (stock["available"], stock["reserved"]) == (0, 0)


def test_killed_apps_come_back_with_new_pids(run_json: dict[str, Any]) -> None:
    pid = run_json["apps"]["notifications"]["app_pid"]
    with killed_app(run_json, "notifications"):
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert run_json["apps"]["notifications"]["app_pid"] != pid


async def test_bad_requests_of_one_client_shut_nobody_out(shopper: Client) -> None:
    for _ in range(30):
        (await shopper.call("GET", "/api/v1/products?cursor=!")).problem(400)
        (await shopper.call("POST", "/auth/login", {"email": shopper.email, "password": "wrong password"})).problem(401)
    (await shopper.call("GET", "/api/v1/products")).expect(200)
    await shopper.login(shopper.email, PASSWORD)

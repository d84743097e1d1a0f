"""The merged description: every row once, who may call it, and no schema mistaken for another."""

from typing import Any

import pytest

from apps.gateway.routing import FORWARDED, ROWS
from tools.openapi import GATEWAY, Undescribed, merged, rendered, services


def documents() -> dict[str, dict[str, Any]]:
    """What each service would offer for its rows, and nothing more."""
    made: dict[str, dict[str, Any]] = {app_id: {"paths": {}} for app_id in [*services(), GATEWAY]}
    for index, row in enumerate(ROWS):
        operation = {"operationId": f"op{index}", "tags": ["t"], "responses": {"200": {"description": "ok"}, "422": {}}}
        paths = made[row.app_id if row in FORWARDED else GATEWAY]["paths"]
        paths.setdefault(row.path, {})[row.method.lower()] = operation
    return made


def test_each_row_is_described_once() -> None:
    described = merged(documents())["paths"]
    assert {(method.upper(), path) for path, item in described.items() for method in item} == {
        (row.method, row.path) for row in ROWS
    }


def test_who_may_call_and_the_problems_of_the_gateway() -> None:
    paths = merged(documents())["paths"]
    products, cart = paths["/api/v1/products"]["get"], paths["/api/v1/cart"]["get"]
    orders, role = paths["/api/v1/orders"]["post"], paths["/api/v1/users/{user_id}/role"]["put"]
    login = paths["/auth/login"]["post"]
    assert [one["security"] for one in (login, products, cart, orders)] == [
        [],
        [],
        [{}, {"bearer": []}],
        [{"bearer": []}],
    ]
    assert list(login["responses"]) == ["200", "400", "413", "415", "422", "429", "503"]
    assert list(products["responses"]) == ["200", "400", "401", "422", "429", "503"]
    assert list(cart["responses"]) == ["200", "400", "401", "422", "429", "503"]
    assert list(orders["responses"]) == ["200", "400", "401", "403", "413", "415", "422", "429", "503"]
    assert list(role["responses"]) == ["200", "400", "401", "403", "404", "413", "415", "422", "429", "503"]
    assert role["x-plaza-permission"] == "users:assign-roles"
    assert orders["responses"]["422"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }


def test_drift_is_refused() -> None:
    unrouted = documents()
    unrouted["orders"]["paths"]["/api/v1/orders/all"] = {"get": {"operationId": "x", "tags": [], "responses": {}}}
    with pytest.raises(Undescribed, match="orders offers GET /api/v1/orders/all"):
        merged(unrouted)
    gone = documents()
    del gone["catalog"]["paths"]["/api/v1/categories"]
    with pytest.raises(Undescribed, match="catalog does not offer GET /api/v1/categories"):
        merged(gone)
    twice = documents()
    twice["carts"]["paths"]["/api/v1/cart"]["get"]["operationId"] = "op0"
    with pytest.raises(Undescribed, match="used twice: op0"):
        merged(twice)


def test_schemas_of_one_name_are_kept_apart() -> None:
    given = documents()

    def returning(app_id: str, path: str, name: str, schemas: dict[str, Any]) -> None:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        given[app_id]["paths"][path]["get"]["responses"]["200"]["content"] = content
        given[app_id]["components"] = {"schemas": schemas}

    amount = {"type": "integer"}
    page = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    returning("carts", "/api/v1/cart", "Page", {"Amount": amount, "Page": page, "Line": {"type": "string"}})
    line = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Amount"}}}
    returning("orders", "/api/v1/orders", "Page", {"Amount": amount, "Page": page, "Line": line, "Unused": {}})
    schemas = merged(given)["components"]["schemas"]
    assert sorted(schemas) == [
        "Amount",
        "CartsLine",
        "CartsPage",
        "FieldProblem",
        "OrdersLine",
        "OrdersPage",
        "Problem",
    ]
    assert schemas["OrdersPage"]["items"] == {"$ref": "#/components/schemas/OrdersLine"}
    assert schemas["OrdersLine"]["properties"]["a"] == {"$ref": "#/components/schemas/Amount"}


def test_the_text_is_stable() -> None:
    turned = dict(reversed(documents().items()))
    assert rendered(merged(documents())) == rendered(merged(turned))

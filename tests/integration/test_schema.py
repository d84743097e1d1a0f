"""The gateway keeps its own OpenAPI description, whatever is sent to it and by whom: generated requests, valid and not."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.gateway.routing import EVENTS
from tests.support.client import ADDRESS, Client

EXAMPLES = int(os.environ.get("PLAZA_SCHEMA_EXAMPLES", "6"))
TIMEOUT_SECONDS = 60 + EXAMPLES * 5
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi" / "plaza.json"

api = schemathesis.openapi.from_path(DESCRIPTION)


@dataclass(frozen=True)
class Known:
    """Objects that exist, so that not each request ends at a 404; those of `customer` are the customer's own."""

    path_values: dict[str, str]
    tokens: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(shop_url: str, run_json: dict[str, dict[str, str]]) -> AsyncIterator[Known]:
    async with Client(shop_url) as admin, Client(shop_url) as customer:
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        await customer.register()
        product = await admin.new_product(quantity=1000)
        await customer.fill_cart(product["id"], 1)
        order = (await customer.place()).expect(202)
        await customer.follow(order["id"], "paid")
        profile = {"name": "Ada", "addresses": [ADDRESS]}
        (await customer.call("PUT", f"/api/v1/users/{customer.user_id}", profile)).expect(200)
        yield Known(
            path_values={
                "user_id": customer.user_id,
                "product_id": product["id"],
                "order_id": order["id"],
                "sku": product["sku"],
                "letter_id": "no-such-letter",
            },
            tokens={"nobody": "", "customer": customer.token, "admin": admin.token},
        )


@pytest.mark.timeout(TIMEOUT_SECONDS)
@pytest.mark.parametrize("caller", ["nobody", "customer", "admin"])
@api.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_answer_is_described(case: Case[Any], caller: str, known: Known, shop_url: str) -> None:
    has_formed_path = case.meta is None or not case.meta.is_negative_at(ParameterLocation.PATH)
    if has_formed_path and case.method != "DELETE":
        case.path_parameters = {name: known.path_values[name] for name in case.path_parameters}
    headers = {"authorization": f"Bearer {known.tokens[caller]}"} if known.tokens[caller] else {}
    checks = [check for check in CHECKS if case.path != EVENTS.path or check is not response_schema_conformance]
    case.call_and_validate(base_url=shop_url, headers=headers, checks=checks, timeout=20)

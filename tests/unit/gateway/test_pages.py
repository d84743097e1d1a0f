"""Product pages of a crowd: one question to the catalog, to each his own answer, and the ordinary way for all else."""

import asyncio
import json

from apps.shared.platform.sidecar import Answer, SidecarError
from tests.unit.gateway.fakes import Sent, Shop, problem_answer

PAGES = "/v1.0/invoke/catalog/method/internal/pages"


def catalog(sent: Sent) -> Answer:
    """Sells `prd_a` and `prd_b`."""
    if sent.path != PAGES:
        return problem_answer(404)
    wanted = json.loads(sent.body or b"")["product_ids"]
    pages = [
        {"product_id": product_id, "etag": f'"1-{product_id}"', "body": f'{{"id":"{product_id}"}}'}
        for product_id in wanted
        if product_id in ("prd_a", "prd_b")
    ]
    return Answer(200, {"Content-Type": "application/json"}, json.dumps({"pages": pages}).encode())


def selling_shop() -> Shop:
    shop = Shop()
    shop.sidecar.answer = catalog
    return shop


async def test_a_crowd_shares_a_question_and_each_gets_his_own_page() -> None:
    shop = selling_shop()
    wanted = ["prd_a", "prd_b", "prd_a"]
    replies = await asyncio.gather(*(shop.call("GET", f"/api/v1/products/{one}") for one in wanted))
    assert [reply.json["id"] for reply in replies] == wanted
    assert [reply.headers["etag"] for reply in replies] == ['"1-prd_a"', '"1-prd_b"', '"1-prd_a"']
    assert {reply.headers["content-type"] for reply in replies} == {"application/json"}
    assert [json.loads(sent.body or b"")["product_ids"] for sent in shop.sidecar.sent] == [["prd_a", "prd_b"]]


async def test_who_has_the_page_is_told_so() -> None:
    shop = selling_shop()
    reply = await shop.call("GET", "/api/v1/products/prd_a", if_none_match='"0", W/"1-prd_a"')
    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", '"1-prd_a"')
    other = await shop.call("GET", "/api/v1/products/prd_a", if_none_match='"1-prd_b"')
    assert (other.status, other.json) == (200, {"id": "prd_a"})


async def test_what_the_catalog_does_not_sell_is_asked_for_in_the_ordinary_way() -> None:
    shop = selling_shop()
    (await shop.call("GET", "/api/v1/products/prd_gone")).problem(404)
    assert [sent.path.rpartition("/method")[2] for sent in shop.sidecar.sent] == [
        "/internal/pages",
        "/api/v1/products/prd_gone",
    ]
    await shop.call("GET", "/api/v1/products/no-product")
    assert shop.sidecar.sent[2].path.endswith("/method/api/v1/products/no-product")


async def test_a_catalog_that_does_not_know_the_question_serves_each_page_by_itself() -> None:
    shop = Shop()
    shop.sidecar.answer = lambda sent: (
        Answer(403, {}, b"denied") if sent.path == PAGES else Answer(200, {"Content-Type": "application/json"}, b"{}")
    )
    reply = await shop.call("GET", "/api/v1/products/prd_a")
    assert (reply.status, reply.body) == (200, b"{}")


async def test_a_catalog_that_is_away_makes_it_a_503_for_all_who_asked() -> None:
    shop = Shop()
    shop.sidecar.answer = SidecarError("invoke", 500, "ERR_DIRECT_INVOKE", "away")
    replies = await asyncio.gather(*(shop.call("GET", f"/api/v1/products/prd_{one}") for one in "ab"))
    for reply in replies:
        reply.problem(503)
    assert len(shop.sidecar.sent) == 1


async def test_a_page_is_anyones_but_a_broken_token_is_refused_before_anybody_is_asked() -> None:
    shop = selling_shop()
    (await shop.call("GET", "/api/v1/products/prd_a", token="broken")).problem(401)
    assert shop.sidecar.sent == []
    assert (await shop.call("GET", "/api/v1/products/prd_a", token=shop.token(permissions=[]))).status == 200

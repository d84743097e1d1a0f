"""The API description is served as it was committed; the page that shows it needs no other site."""

import re
from pathlib import Path

from apps.gateway.docs import PAGE
from tests.unit.gateway.fakes import Shop


async def test_the_file_is_served_byte_for_byte_with_an_etag(tmp_path: Path) -> None:
    file = tmp_path / "plaza.json"
    file.write_bytes(b'{"openapi":  "3.1.0"}\n')
    shop = Shop(openapi_path=file)
    reply = await shop.call("GET", "/openapi.json")
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "application/json", file.read_bytes())
    again = await shop.call("GET", "/openapi.json", if_none_match=reply.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", reply.headers["etag"])


async def test_a_missing_description_is_a_problem(tmp_path: Path) -> None:
    (await Shop(openapi_path=tmp_path / "none.json").call("GET", "/openapi.json")).problem(404)


async def test_the_page_is_self_contained() -> None:
    reply = await Shop().call("GET", "/docs")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = PAGE.read_text(encoding="utf-8")
    assert not re.findall(r"https?://|//[a-z]+\.|<link|src=", text)
    assert len(text.splitlines()) < 150

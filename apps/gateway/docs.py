"""Serves the one API description of the shop, and a page to read it by that needs no other site."""

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from apps.shared.platform.etags import matches

PAGE = Path(__file__).with_name("docs_page.html")
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def build_docs_router(openapi_file: Path) -> APIRouter:
    """`/openapi.json` and `/docs`. The description is the committed file (`python -m tools.openapi` writes it), byte for byte."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    async def openapi(if_none_match: Annotated[str, Header()] = "") -> Response:
        try:
            document = await asyncio.to_thread(openapi_file.read_bytes)
        except FileNotFoundError as error:
            raise HTTPException(404, "This gateway was installed without an API description.") from error
        headers = {"etag": f'"{hashlib.sha256(document).hexdigest()[:32]}"', "cache-control": "no-cache"}
        if if_none_match and matches(if_none_match, headers["etag"]):
            return Response(status_code=304, headers=headers)
        return Response(document, headers=headers, media_type="application/json")

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        page = await asyncio.to_thread(PAGE.read_text, encoding="utf-8")
        return HTMLResponse(page, headers={"content-security-policy": _PAGE_POLICY})

    return router

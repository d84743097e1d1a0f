"""Answers product pages to a crowd from one question to `catalog`, since carrying each by itself costs more than making it."""

import re

from apps.shared.contracts.catalog import ProductPage, ProductPages, ShowProducts
from apps.shared.gathered import Gathered
from apps.shared.platform.invocation import Peer, PeerRefused

MOST_PAGES = 100
_PRODUCT_ID = re.compile(r"prd_[0-9a-z]{1,40}")


class Pages:
    """Pages that are asked for while a question is under way share the next one; a page is never older than its request."""

    def __init__(self, catalog: Peer) -> None:
        self._catalog = catalog
        self._questions: Gathered[str, ProductPage] = Gathered(self._ask, most=MOST_PAGES)

    async def find(self, product_id: str) -> ProductPage | None:
        """The page of a product; None where `catalog` is to be asked in the ordinary way. Raises SidecarError."""
        if not _PRODUCT_ID.fullmatch(product_id):
            return None
        return (await self._questions.find([product_id])).get(product_id)

    async def _ask(self, product_ids: tuple[str, ...]) -> dict[str, ProductPage]:
        try:
            answer = await self._catalog.post("/internal/pages", ShowProducts(product_ids=product_ids), ProductPages)
        except PeerRefused:  # by a catalog that does not know the question yet
            return {}
        return {page.product_id: page for page in answer.pages}

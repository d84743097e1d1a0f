"""The catalog API: HTTP in, use case, schema out. Also the questions that peers ask."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from apps.catalog.domain import MAX_PRICE_MINOR, Editor, Product, slug
from apps.catalog.ports import SearchQuery, Sort
from apps.catalog.schemas import CategoryList, CategoryOut, ChangedProduct, NewProduct, ProductOut, ProductPage
from apps.catalog.service import CatalogService
from apps.shared.contracts import catalog as contract
from apps.shared.contracts.catalog import Offers, QuoteProducts, ShowProducts, SkuOwner
from apps.shared.platform.etags import etag_of, matches
from apps.shared.platform.identity import Caller, CallerDep
from apps.shared.platform.paging import Cursor, Limit, decode_cursor, encode_cursor
from apps.shared.platform.problems import documented

_VERSION = re.compile(r'(?:W/)?"(\d{1,15})-[0-9a-f]+"')
PriceLimit = Annotated[int | None, Query(ge=0, le=MAX_PRICE_MINOR, description="Minor units, inclusive")]


def build_router(service: CatalogService) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["catalog"])

    async def shown(product: Product, *, fresh: bool = False) -> tuple[ProductOut, str]:
        available = await service.find_available([product], fresh=fresh)
        out = ProductOut.of(product, available.get(product.sku))
        return out, _etag(product, out)

    @router.get("/products", operation_id="listProducts", responses=documented(400))
    async def list_products(
        q: Annotated[str, Query(max_length=500, description="Words to look for; small typos are forgiven")] = "",
        category: Annotated[str | None, Query(max_length=64)] = None,
        vendor: Annotated[str | None, Query(max_length=64, description="User id of the vendor")] = None,
        min_price: PriceLimit = None,
        max_price: PriceLimit = None,
        sort: Annotated[Sort | None, Query(description="`relevance` with q, `newest` without, unless said")] = None,
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> ProductPage:
        """Search, filter and browse what is for sale. Facets count the whole result, not the page."""
        query = SearchQuery(
            text=q,
            category=slug(category) if category else None,
            vendor_id=vendor or None,
            min_price_minor=min_price,
            max_price_minor=max_price,
            sort=sort or Sort.RELEVANCE,
            after=decode_cursor(cursor) if cursor else None,
            limit=limit,
        )
        found = await service.search(query)
        available = await service.find_available(found.products)
        return ProductPage.of(found, available, encode_cursor(found.rest) if found.rest else None)

    @router.post("/products", operation_id="createProduct", status_code=201, responses=documented(409, 422))
    async def create(body: NewProduct, request: Request, response: Response, caller: CallerDep) -> ProductOut:
        """Put a product on sale; the caller becomes its vendor. `stock` reaches the warehouses now, or within minutes."""
        product = await service.create(
            sku=body.sku, details=body.details(), vendor_id=caller.user_id, intakes=body.intakes()
        )
        out, response.headers["etag"] = await shown(product, fresh=True)
        response.headers["location"] = f"{request.url.path}/{product.id}"
        return out

    @router.get(
        "/products/{product_id}", operation_id="getProduct", response_model=ProductOut, responses=documented(404)
    )
    async def get(
        product_id: str, response: Response, if_none_match: Annotated[str, Header()] = ""
    ) -> ProductOut | Response:
        """One product, with its price of now and the number of units that can be bought."""
        out, etag = await shown(await service.get(product_id))
        if if_none_match and matches(if_none_match, etag):
            return Response(status_code=304, headers={"etag": etag})
        response.headers["etag"] = etag
        return out

    @router.put("/products/{product_id}", operation_id="updateProduct", responses=documented(403, 404, 412, 422))
    async def update(
        product_id: str,
        body: ChangedProduct,
        response: Response,
        caller: CallerDep,
        if_match: Annotated[str, Header(description="ETag of the product as it was read")] = "",
    ) -> ProductOut:
        """Replace a product's details. With `If-Match`, only if nobody changed it since; stock moving does not count as a change."""
        product = await service.update(
            product_id,
            body.details(),
            sku=body.sku,
            editor=_editor(caller),
            expected_versions=_versions(if_match),
        )
        out, response.headers["etag"] = await shown(product)
        return out

    @router.delete(
        "/products/{product_id}", operation_id="deleteProduct", status_code=204, responses=documented(403, 404)
    )
    async def delete(product_id: str, caller: CallerDep) -> None:
        """Take a product off sale for good. Orders that have it are not touched."""
        await service.remove(product_id, _editor(caller))

    @router.get("/categories", operation_id="listCategories")
    async def list_categories() -> CategoryList:
        """The categories in use."""
        return CategoryList(items=[CategoryOut.of(count) for count in await service.count_categories()])

    return router


def build_peer_router(service: CatalogService) -> APIRouter:
    """Operations for other services alone; the gateway has no route to them."""
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.post("/offers")
    async def quote(question: QuoteProducts) -> Offers:
        return await service.quote(question.product_ids)

    @router.post("/pages")
    async def show(question: ShowProducts) -> contract.ProductPages:
        products = await service.get_many(question.product_ids)
        available = await service.find_available(products.values())
        shown = ((product, ProductOut.of(product, available.get(product.sku))) for product in products.values())
        return contract.ProductPages(
            pages=tuple(
                contract.ProductPage(product_id=product.id, etag=_etag(product, out), body=out.model_dump_json())
                for product, out in shown
            )
        )

    @router.get("/skus/{sku}")
    async def get_sku(sku: str) -> SkuOwner:
        return await service.get_sku(sku)

    return router


def _etag(product: Product, shown: ProductOut) -> str:
    return f'"{product.version}-{etag_of(shown)[1:-1]}"'


def _editor(caller: Caller) -> Editor:
    return Editor(caller.user_id, is_admin=caller.is_admin)


def _versions(if_match: str) -> frozenset[int] | None:
    """The versions that an `If-Match` header names; None when any will do. Foreign tags name no version."""
    tags = [tag.strip() for tag in if_match.split(",") if tag.strip()]
    if not tags or "*" in tags:
        return None
    return frozenset(int(found[1]) for tag in tags if (found := _VERSION.fullmatch(tag)))

"""The search index: tantivy in memory, a read model of the products that can be thrown away at any time."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, cast

import tantivy
from pydantic import TypeAdapter
from tantivy import Document, FieldType, Occur, Order, Query

from apps.catalog import words
from apps.catalog.domain import CursorInvalid, Product
from apps.catalog.ports import Count, Found, PriceCount, SearchQuery, Sort

PRICE_STEPS_MINOR = (0, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000)
"""Where the price facets begin."""

_WRITER_HEAP_BYTES = 50_000_000
_NAME_BYTES = 96
_MOST_CATEGORIES = 10_000
_MOST_VENDORS = 20
_KEY = re.compile(r"[0-9a-f]+prd_[0-9a-z]+")
_ORDERS = {
    Sort.RELEVANCE: ("by_newest", Order.Desc),
    Sort.NEWEST: ("by_newest", Order.Desc),
    Sort.PRICE: ("by_price", Order.Asc),
    Sort.PRICE_DESCENDING: ("by_price", Order.Desc),
    Sort.NAME: ("by_name", Order.Asc),
}
_CATEGORIES = {"terms": {"field": "category", "size": _MOST_CATEGORIES, "segment_size": _MOST_CATEGORIES}}
_FACETS = {
    "total": {"value_count": {"field": "price"}},
    "categories": _CATEGORIES,
    "vendors": {"terms": {"field": "vendor", "size": _MOST_VENDORS, "segment_size": 1_000}},
    "prices": {
        "range": {
            "field": "price",
            "ranges": [
                {"from": step} | ({"to": end} if end else {})
                for step, end in zip(PRICE_STEPS_MINOR, (*PRICE_STEPS_MINOR[1:], None), strict=True)
            ],
        }
    },
}
_products = TypeAdapter(Product)


class ProductIndex:
    """Products to search. `take` and `commit` from one thread at a time; the rest from any thread, also meanwhile.

    Each sort order has a text field of its own whose values are unique and end with the product's id, so that the last value of a page
    says exactly where the next one begins.
    """

    def __init__(self) -> None:
        self._schema = _schema()
        self._index = tantivy.Index(self._schema)
        self._analyzer = words.analyzer()
        self._index.register_tokenizer("words", self._analyzer)
        self._index.config_reader("manual")
        self._writer = self._index.writer(_WRITER_HEAP_BYTES, 1)
        self.generation = 0
        """Grows with each commit: what was found under one generation is found again under it."""

    def take(self, changes: Mapping[str, Product | None]) -> None:
        """Have the index hold these products under their ids, None meaning gone, from the next `commit` on."""
        for product_id, product in changes.items():
            self._writer.delete_documents_by_term("id", product_id)
            if product is not None:
                self._writer.add_document(_document(product))

    def commit(self) -> None:
        """Show what was taken to the searches that begin afterwards. Few large commits make a faster index than many small ones."""
        self._writer.commit()
        self.generation += 1
        self._index.reload()
        self.generation += 1

    def search(self, query: SearchQuery) -> Found:
        """One page and the facets of the whole result. Raises CursorInvalid."""
        sort = Sort.NEWEST if query.sort is Sort.RELEVANCE and not query.text.strip() else query.sort
        rung, after = _position(query.after, sort)
        ladder = self._ladder(query.text)
        if sort is not Sort.RELEVANCE:
            ladder = ladder[-1:]
        if not ladder:
            return Found()
        filters = self._filters(query)
        searcher = self._index.searcher()
        whole = words.all_of([ladder[-1], *filters])
        facets = searcher.aggregate(whole, _FACETS)
        total = int(facets["total"]["value"])
        field, order = _ORDERS[sort]
        hits: list[tuple[int, str, Any]] = []
        found_before = ladder[rung - 1] if 0 < rung < len(ladder) else None
        while rung < len(ladder) and len(hits) < min(query.limit + 1, total):
            clauses = [(Occur.Must, part) for part in (ladder[rung], *filters)]
            if found_before is not None:
                clauses.append((Occur.MustNot, found_before))
            if after is not None:
                clauses.append((Occur.Must, self._beyond(field, order, after)))
            page = searcher.search(
                Query.boolean_query(clauses), query.limit + 1, count=False, order_by_field=field, order=order
            )
            hits += [(rung, key, address) for key, address in page.hits]
            if page.hits or after is not None:  # else it finds what the tighter one does, which costs less
                found_before = ladder[rung]
            rung, after = rung + 1, None
        shown = hits[: query.limit]
        return Found(
            products=tuple(_product(searcher.doc(address)) for _, _, address in shown),
            rest=f"{sort}:{shown[-1][0]}:{shown[-1][1]}" if len(hits) > query.limit else None,
            total=total,
            categories=_counts(facets["categories"]),
            vendors=_counts(facets["vendors"]),
            prices=_price_counts(facets["prices"]),
        )

    def count_categories(self) -> tuple[Count, ...]:
        """All categories in use, by slug."""
        facets = self._index.searcher().aggregate(Query.all_query(), {"categories": _CATEGORIES})
        return tuple(sorted(_counts(facets["categories"]), key=lambda count: count.value))

    def _ladder(self, text: str) -> list[Query]:
        if not text.strip():
            return [Query.all_query()]
        found = self._analyzer.analyze(text)
        return words.rungs(self._schema, found) if found else []

    def _filters(self, query: SearchQuery) -> list[Query]:
        filters = [
            Query.term_query(self._schema, field, value, "basic")
            for field, value in (("category", query.category), ("vendor", query.vendor_id))
            if value is not None
        ]
        low, high = query.min_price_minor, query.max_price_minor
        if low is not None or high is not None:
            filters.append(Query.range_query(self._schema, "price", FieldType.Unsigned, low, high))
        return filters

    def _beyond(self, field: str, order: Order, key: str) -> Query:
        """What comes after `key`, which `_KEY` has vetted: text ranges can be had from tantivy's parser only."""
        return self._index.parse_query(f"{field}:{'>' if order == Order.Asc else '<'}{key}")


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    for field in (words.TITLE, words.TEXT):
        builder.add_text_field(field, tokenizer_name="words", index_option="basic")
    for field in ("category", "vendor", "by_newest", "by_price", "by_name"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_unsigned_field("price", indexed=True, fast=True)
    builder.add_bytes_field("product", stored=True)
    return builder.build()


def _document(product: Product) -> Document:
    document = Document()
    title = f"{product.name} {product.category} {product.sku}"
    for field, text in (
        ("id", product.id),
        (words.TITLE, title),
        (words.TEXT, f"{title} {product.description}"),
        ("category", product.category),
        ("vendor", product.vendor_id),
        ("by_newest", f"{int(product.created_at.timestamp() * 1_000_000):016x}{product.id}"),
        ("by_price", f"{product.price.amount_minor:015x}{product.id}"),
        ("by_name", f"{_name_key(product.name)}{product.id}"),
    ):
        document.add_text(field, text)
    document.add_unsigned("price", product.price.amount_minor)
    document.add_bytes("product", _products.dump_json(product))
    return document


def _name_key(name: str) -> str:
    """Hexadecimal, so that it sorts like the name without case and accents; ends with a zero byte, below every letter."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return plain.encode()[:_NAME_BYTES].hex() + "00"


def _position(after: str | None, sort: Sort) -> tuple[int, str | None]:
    if after is None:
        return 0, None
    made_for, _, rest = after.partition(":")
    rung, _, key = rest.partition(":")
    if made_for != sort or len(rung) != 1 or not rung.isdecimal() or not _KEY.fullmatch(key):
        raise CursorInvalid
    return int(rung), key


def _product(document: Document) -> Product:
    return _products.validate_json(cast(bytes, document.get_first("product")))


def _counts(facet: dict[str, Any]) -> tuple[Count, ...]:
    counts = (Count(str(bucket["key"]), int(bucket["doc_count"])) for bucket in facet["buckets"])
    return tuple(sorted(counts, key=lambda count: (-count.count, count.value)))


def _price_counts(facet: dict[str, Any]) -> tuple[PriceCount, ...]:
    counts = {int(bucket.get("from", 0)): int(bucket["doc_count"]) for bucket in facet["buckets"]}
    ends = (*(step - 1 for step in PRICE_STEPS_MINOR[1:]), None)
    return tuple(
        PriceCount(step, end, counts[step])
        for step, end in zip(PRICE_STEPS_MINOR, ends, strict=True)
        if counts.get(step)
    )

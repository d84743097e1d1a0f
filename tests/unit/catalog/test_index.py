"""The search index alone: what is found, in which order, how it is counted and paged."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.domain import CursorInvalid, Product
from apps.catalog.index import ProductIndex
from apps.catalog.ports import Count, Found, PriceCount, SearchQuery, Sort
from apps.catalog.words import typos_allowed
from apps.shared.money import Money
from tests.unit.catalog.fakes import make_product, product_id


def index_of(*products: Product) -> ProductIndex:
    index = ProductIndex()
    put(index, *products)
    return index


def put(index: ProductIndex, *products: Product) -> None:
    index.take({product.id: product for product in products})
    index.commit()


def names(found: Found) -> list[str]:
    return [product.name for product in found.products]


def search(index: ProductIndex, text: str = "", **fields: object) -> list[str]:
    return names(index.search(SearchQuery(text=text, sort=Sort.RELEVANCE, **fields)))  # type: ignore[arg-type]


SHOP = index_of(
    make_product(1, name="Kestrel Over-Ear Headphones", description="Closed back, with noise cancelling."),
    make_product(2, name="Kestrel Mini Earbuds", description="Smaller than headphones."),
    make_product(3, name="Crème Brûlée Torch", description="For the kitchen.", category="kitchen", sku="KIT-003"),
    make_product(4, name="Desk Lamp", description="Warm light.", category="lighting", vendor_id="usr_two"),
    make_product(5, name="Lamb Fleece Blanket", category="textile"),
    make_product(6, name="Wireless Charger 15W", category="power"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "headphones",
            ["Kestrel Over-Ear Headphones", "Kestrel Mini Earbuds"],
        ),  # the name counts above the description
        ("HEADPHONES", ["Kestrel Over-Ear Headphones", "Kestrel Mini Earbuds"]),
        ("headphnoes", ["Kestrel Over-Ear Headphones", "Kestrel Mini Earbuds"]),  # swapped
        ("hedphone", ["Kestrel Over-Ear Headphones", "Kestrel Mini Earbuds"]),  # two missing
        ("kestral", ["Kestrel Mini Earbuds", "Kestrel Over-Ear Headphones"]),  # one replaced; the newer first
        ("kestrel earb", ["Kestrel Mini Earbuds", "Kestrel Over-Ear Headphones"]),  # last word begun; a typo of ear
        ("creme brulee", ["Crème Brûlée Torch"]),
        ("CRÈME", ["Crème Brûlée Torch"]),
        ("kit-003", ["Crème Brûlée Torch"]),
        ("kitchen", ["Crème Brûlée Torch"]),
        ("lamp", ["Desk Lamp", "Lamb Fleece Blanket"]),  # exact above typo, though older
        ("lamb", ["Lamb Fleece Blanket", "Desk Lamp"]),
        ("15w", ["Wireless Charger 15W"]),
        ("16w", []),  # a number is not a typo of another
        ("wireles chargr", ["Wireless Charger 15W"]),
        ("noise cancelling kestrel earmuffs", ["Kestrel Over-Ear Headphones"]),  # most of the words
        ("kestrel blanket", []),  # of two words both are meant
        ("zzzz", []),
        ("***", []),
        (
            "",
            [
                "Wireless Charger 15W",
                "Lamb Fleece Blanket",
                "Desk Lamp",
                "Crème Brûlée Torch",
                "Kestrel Mini Earbuds",
                "Kestrel Over-Ear Headphones",
            ],
        ),
    ],
)
def test_text(text: str, expected: list[str]) -> None:
    assert search(SHOP, text) == expected


@pytest.mark.parametrize(("word", "typos"), [("cat", 0), ("lamp", 1), ("kestrel", 1), ("blankets", 2), ("blanket5", 0)])
def test_typos_allowed(word: str, typos: int) -> None:
    assert typos_allowed(word) == typos


@given(text=st.text(max_size=500), sort=st.sampled_from(Sort))
def test_no_text_fails(text: str, sort: Sort) -> None:
    found = SHOP.search(SearchQuery(text=text, sort=sort))
    assert len(found.products) == found.total <= 6


@given(cursor=st.text(max_size=60) | st.from_regex(r"newest:[0-9]:[0-9a-f]+prd_[0-9a-z]+", fullmatch=True))
def test_no_cursor_fails_but_as_invalid(cursor: str) -> None:
    try:
        SHOP.search(SearchQuery(after=cursor))
    except CursorInvalid:
        return


@pytest.mark.parametrize(
    "text", ['"', "a:b", "category:*", "lamp AND (", "[1 TO 2]", "\\", "lamp^9~", "\0", "a" * 500, "é " * 250]
)
def test_query_language_means_nothing(text: str) -> None:
    SHOP.search(SearchQuery(text=text, sort=Sort.RELEVANCE))


def test_filters() -> None:
    assert search(SHOP, category="lighting") == ["Desk Lamp"]
    assert search(SHOP, vendor_id="usr_two") == ["Desk Lamp"]
    assert search(SHOP, category="lighting", vendor_id="usr_vendor") == []
    assert search(SHOP, category="no such") == []
    assert search(SHOP, min_price_minor=300, max_price_minor=400) == ["Desk Lamp", "Crème Brûlée Torch"]
    assert search(SHOP, min_price_minor=401, max_price_minor=499) == []
    assert search(SHOP, min_price_minor=600) == ["Wireless Charger 15W"]
    assert search(SHOP, max_price_minor=100) == ["Kestrel Over-Ear Headphones"]
    assert search(SHOP, min_price_minor=500, max_price_minor=400) == []
    assert search(SHOP, "lamp", category="textile") == ["Lamb Fleece Blanket"]


def test_sorting_by_price_and_name_with_ties_by_id() -> None:
    index = index_of(
        make_product(1, name="bravo", price=Money(200, "USD")),
        make_product(2, name="Alpha", price=Money(200, "USD")),
        make_product(3, name="Älpha two", price=Money(99, "USD")),
        make_product(4, name="alpha", price=Money(1_000, "USD")),
    )
    by = {sort: names(index.search(SearchQuery(sort=sort))) for sort in Sort}
    assert by[Sort.PRICE] == ["Älpha two", "bravo", "Alpha", "alpha"]
    assert by[Sort.PRICE_DESCENDING] == ["alpha", "Alpha", "bravo", "Älpha two"]
    assert by[Sort.NAME] == ["Alpha", "alpha", "Älpha two", "bravo"]
    assert by[Sort.NEWEST] == by[Sort.RELEVANCE] == ["alpha", "Älpha two", "Alpha", "bravo"]


def test_facets_count_the_whole_result_and_not_the_page() -> None:
    prices = [500, 999, 1_000, 2_499, 60_000, 100_000]
    index = index_of(
        *(
            make_product(n, name="lamp", category="a" if n % 3 else "b", price=Money(price, "USD"))
            for n, price in enumerate(prices)
        ),
        make_product(9, name="other"),
    )
    found = index.search(SearchQuery(text="lamp", limit=2))
    assert (len(found.products), found.total) == (2, 6)
    assert found.categories == (Count("a", 4), Count("b", 2))
    assert found.vendors == (Count("usr_vendor", 6),)
    assert found.prices == (
        PriceCount(0, 999, 2),
        PriceCount(1_000, 2_499, 2),
        PriceCount(50_000, 99_999, 1),
        PriceCount(100_000, None, 1),
    )
    assert index.count_categories() == (Count("a", 4), Count("audio", 1), Count("b", 2))


def walk(index: ProductIndex, query: SearchQuery, between: object = None) -> list[str]:
    seen: list[str] = []
    after = None
    while True:
        found = index.search(SearchQuery(text=query.text, sort=query.sort, limit=query.limit, after=after))
        seen += [product.id for product in found.products]
        if found.rest is None:
            return seen
        after = found.rest
        if callable(between):
            between()


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("text", ["", "lamp bright"])
def test_a_walk_sees_each_product_once_while_others_are_inserted(sort: Sort, text: str) -> None:
    name = ["Lamp Bright", "Lamp", "Lanp Bright", "Bright Lamps"]
    old = [
        make_product(
            n, name=name[n % 4], description="bright lamp" if n % 8 == 1 else "", price=Money(1 + n % 5, "USD")
        )
        for n in range(100, 160)
    ]
    index = index_of(*old)
    expected = walk(index, SearchQuery(text=text, sort=sort, limit=100))
    fresh = iter(range(50))

    def insert() -> None:
        number = next(fresh)
        inserted = make_product(number, name=name[number % 4], price=Money(1 + number % 5, "USD"))
        put(index, inserted, make_product(200 + number, name="Lamp Bright", price=Money(3, "USD")))

    seen = walk(index, SearchQuery(text=text, sort=sort, limit=7), insert)
    assert len(seen) == len(set(seen))
    assert [found for found in seen if found in set(expected)] == expected
    assert len(expected) >= 22


def test_a_cursor_of_another_order_is_refused() -> None:
    rest = SHOP.search(SearchQuery(sort=Sort.PRICE, limit=2)).rest
    assert rest is not None
    with pytest.raises(CursorInvalid):
        SHOP.search(SearchQuery(sort=Sort.NAME, after=rest))


def test_long_names_have_cursors_that_fit_the_api() -> None:
    index = index_of(*(make_product(n, name="語" * 200) for n in range(3)))
    rest = index.search(SearchQuery(sort=Sort.NAME, limit=1)).rest
    assert rest is not None
    assert len(rest) <= 500 * 3 // 4
    assert walk(index, SearchQuery(sort=Sort.NAME, limit=1)) == [product_id(n) for n in range(3)]


def test_a_changed_product_is_found_as_it_is_now_and_a_deleted_one_not_at_all() -> None:
    index = index_of(make_product(1, name="lamp"), make_product(2, name="lamp"))
    put(index, make_product(1, name="torch", version=2))
    index.take({product_id(2): None, product_id(3): None})
    index.commit()
    assert search(index, "lamp") == []
    assert index.search(SearchQuery()).products == (make_product(1, name="torch", version=2),)


def test_searches_go_on_while_products_are_taken() -> None:
    index = index_of(make_product(0))
    stop = threading.Event()
    totals: list[int] = []

    def keep_searching() -> None:
        while not stop.is_set():
            totals.append(index.search(SearchQuery(text="product")).total)

    searcher = threading.Thread(target=keep_searching)
    searcher.start()
    for number in range(1, 20):
        put(index, make_product(number))
    stop.set()
    searcher.join()
    assert totals == sorted(totals)
    assert index.search(SearchQuery()).total == 20

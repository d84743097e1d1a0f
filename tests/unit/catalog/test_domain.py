"""Products and who may change what of them."""

from datetime import timedelta

import pytest

from apps.catalog import domain
from apps.catalog.domain import Editor, revise
from apps.shared.money import Money
from tests.unit.catalog.fakes import NOW, make_details, make_product

OWNER = Editor("usr_vendor", is_admin=False)


def test_revising_counts_the_version_and_keeps_what_is_not_the_owners_to_change() -> None:
    product = make_product(7)
    later = NOW + timedelta(days=1)
    changed = revise(product, make_details(), sku=None, editor=OWNER, expected_versions=frozenset({1}), at=later)
    assert (changed.name, changed.category, changed.price) == ("Lamp", "lighting", Money(4_900, "USD"))
    assert (changed.version, changed.updated_at) == (2, later)
    assert (changed.id, changed.sku, changed.vendor_id, changed.created_at) == (
        product.id,
        product.sku,
        product.vendor_id,
        product.created_at,
    )


def test_revising_to_the_same_is_no_change() -> None:
    product = make_product(7)
    same = make_details(name=product.name, description="", category="audio", price=product.price)
    assert revise(product, same, sku="SKU-7", editor=OWNER, expected_versions=None, at=NOW) is product


@pytest.mark.parametrize(
    ("editor", "sku", "versions", "refusal"),
    [
        (Editor("usr_other", is_admin=False), None, None, domain.ProductForeign),
        (Editor("", is_admin=False), None, None, domain.ProductForeign),
        (OWNER, None, frozenset({2}), domain.ProductChanged),
        (OWNER, None, frozenset[int](), domain.ProductChanged),
        (OWNER, "SKU-8", None, domain.SkuFixed),
    ],
)
def test_revising_is_refused(
    editor: Editor, sku: str | None, versions: frozenset[int] | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        revise(make_product(7), make_details(), sku=sku, editor=editor, expected_versions=versions, at=NOW)


def test_an_admin_changes_a_vendors_product() -> None:
    admin = Editor("usr_admin", is_admin=True)
    assert revise(make_product(7), make_details(), sku=None, editor=admin, expected_versions=None, at=NOW).version == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("audio", "audio"),
        ("Home & Garden", "home-garden"),
        ("  Crème--Brûlée ", "creme-brulee"),
        ("日本", ""),
        ("--", ""),
    ],
)
def test_slug(text: str, expected: str) -> None:
    assert domain.slug(text) == expected


def test_category_name() -> None:
    assert domain.category_name("home-garden") == "Home Garden"

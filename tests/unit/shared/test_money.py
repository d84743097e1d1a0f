"""Money neither loses a unit nor mixes currencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.shared.money import AmountOutOfRange, CurrencyMismatch, Money, MoneyError, total


def test_sums_and_multiples_are_exact() -> None:
    assert Money(1999, "USD") * 3 + Money(1, "USD") == Money(5998, "USD")
    assert Money(5, "USD") - Money(7, "USD") == Money(-2, "USD")
    assert total([Money(1, "EUR"), Money(2, "EUR")], currency="EUR") == Money(3, "EUR")
    assert total([], currency="EUR") == Money(0, "EUR")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize("currency", ["usd", "US", "", "USDT", "U$D"])
def test_only_iso_codes_are_currencies(currency: str) -> None:
    with pytest.raises(MoneyError):
        Money(1, currency)


def test_amounts_stay_where_every_reader_is_exact() -> None:
    with pytest.raises(AmountOutOfRange):
        Money(10**15, "USD") * 2


@given(st.integers(0, 10**9), st.lists(st.integers(0, 100), min_size=1, max_size=9).filter(any))
def test_allocation_loses_nothing_and_is_fair(amount: int, weights: list[int]) -> None:
    shares = [share.amount_minor for share in Money(amount, "USD").allocate(weights)]
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share - amount * weight // sum(weights) <= 1


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_allocation_needs_weights(weights: list[int]) -> None:
    with pytest.raises(MoneyError):
        Money(10, "USD").allocate(weights)

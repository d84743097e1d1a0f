"""Money as integers of a currency's smallest unit, because a float cannot hold a cent.

It does not convert between currencies and does not format for people.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_AMOUNT_MINOR = 10**15
"""Largest amount that a document, a log or a JSON number of a JavaScript client (2**53) carries exactly."""

_CURRENCY = re.compile(r"[A-Z]{3}")

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP
    CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD
    JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN
    NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
    SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905
)
"""In which things are sold: ISO 4217 without funds, metals and test codes. `Money` itself takes any code of the form."""


class MoneyError(ValueError):
    """Root of what can go wrong with money."""


class CurrencyMismatch(MoneyError):
    """Two amounts of different currencies met in one sum."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot combine {left} with {right}")
        self.left, self.right = left, right


class AmountOutOfRange(MoneyError):
    """An amount left the range that every reader can represent exactly."""

    def __init__(self, amount_minor: int) -> None:
        super().__init__(f"{amount_minor} minor units are out of range")
        self.amount_minor = amount_minor


@dataclass(frozen=True, slots=True)
class Money:
    """`amount_minor` smallest units (cents) of `currency` (ISO 4217 code). May be negative."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise MoneyError(f"{self.currency!r} is not an ISO 4217 code")
        if abs(self.amount_minor) > MAX_AMOUNT_MINOR:
            raise AmountOutOfRange(self.amount_minor)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount_minor * quantity, self.currency)

    def allocate(self, weights: Iterable[int]) -> list["Money"]:
        """Split without losing a unit: shares by weight, the remainder one unit each to the first shares.

        Raises:
            MoneyError: no weight is positive, or one is negative.
        """
        weights = list(weights)
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise MoneyError("allocation needs weights of which none is negative and one is positive")
        shares = [self.amount_minor * weight // total for weight in weights]
        for index in range(self.amount_minor - sum(shares)):
            shares[index] += 1
        return [Money(share, self.currency) for share in shares]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount_minor


def total(amounts: Iterable[Money], *, currency: str) -> Money:
    """Sum of `amounts`, zero of `currency` when there are none. Raises CurrencyMismatch."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result

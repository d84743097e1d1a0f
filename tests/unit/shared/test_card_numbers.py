"""Cards of every scheme are recognised however they are written; ids, articles and telephone numbers are not."""

import random
import uuid
from collections.abc import Callable

import pytest

from apps.shared.card_numbers import holds_card_number
from apps.shared.platform.clock import TimeOrderedIds

CARDS = [
    "4111111111111111",
    "4000000000000000006",
    "5555555555554444",
    "5105105105105100",
    "2221000000000009",
    "2223003122003222",
    "2720990000000007",
    "378282246310005",
    "341111111111111",
    "6011111111111117",
    "6500000000000002",
    "6440000000000005",
    "6490000000000004",
    "3528000000000007",
    "3589000000000003",
    "30569309025904",
    "36227206271667",
    "38520000023237",
    "6240008631401148",
    "62000000000000000",
    "620000000000000005",
    "6200000000000000000",
]


def with_check_digit(digits: str) -> str:
    """As a check on the list above: Luhn's digit, worked out the other way round."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


@pytest.mark.parametrize("number", CARDS)
def test_every_scheme(number: str) -> None:
    assert with_check_digit(number[:-1]) == number, "the test's own list is wrong"
    assert holds_card_number(number)
    assert not holds_card_number(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111 -1111 -1111 -1111",
        "4111\u00a01111\u20131111\u20111111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\n1111\n1111\n1111",
        "3782 822463 10005",
        "tok_4111111111111111",
        "my card is 4111111111111111, thanks",
        "12 4111 1111 1111 1111 123",
        "4444 4111 1111 1111 1111",
        "4111 1111 1111 1111 12/27",
        "4111 1111 1111 1112 or 4111 1111 1111 1111",
    ],
)
def test_however_it_is_written(text: str) -> None:
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9780306406157",
        "4006381333931",
        "4111 1111 1111 111",
        "41111111111111111",
        "1234567812345670",
        "0000000000000000",
        "7992739871300003",
        "+49 30 1234 5678",
        "+1 (415) 555-2671",
        "2026-11-24T15:17:24.123456Z",
        "id4111111111111111",
        "4111.1111.1111.1111",
    ],
)
def test_what_is_none(text: str) -> None:
    assert not holds_card_number(text)


RANDOM = random.Random(20261124)
NEVER_MORE_THAN: dict[str, tuple[Callable[[], str], float]] = {
    "UUID": (lambda: str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)), 0.0002),
    "UUID without dashes": (lambda: f"{RANDOM.getrandbits(128):032x}", 0.0),
    "id of ours": (lambda: TimeOrderedIds().new("ord"), 0.0),
    "GTIN-14": (lambda: f"{RANDOM.randrange(10**14):014d}", 0.005),
    "GTIN-13": (lambda: f"{RANDOM.randrange(10**13):013d}", 0.0),
    "E.164 telephone number": (lambda: f"+{RANDOM.randrange(10**9, 10**13)}", 0.0),
}


@pytest.mark.parametrize("kind", NEVER_MORE_THAN)
def test_how_often_it_errs(kind: str) -> None:
    make, limit = NEVER_MORE_THAN[kind]
    count = 20_000
    wrong = sum(holds_card_number(make()) for _ in range(count))
    assert wrong <= limit * count


@pytest.mark.parametrize("text", ["4 " * 500_000, "4" * 1_000_000, "62 1" * 250_000, ("4 " * 15 + "x ") * 32_000])
@pytest.mark.timeout(20)
def test_a_mebibyte_of_digits_keeps_nobody_busy(text: str) -> None:
    holds_card_number(text)

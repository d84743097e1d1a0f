"""Tells whether a text holds what looks like a payment card's number, since Plaza takes providers' tokens and no card data.

A scheme's prefix and length (ISO/IEC 7812), and Luhn's check. Left alone: thirteen digits, which are EAN and ISBN, and
digits that touch a letter, which are parts of ids such as a UUID's.
"""

import re
from itertools import islice

MAX_CANDIDATES = 1000
"""In one text; with more than that it counts as holding one, so that nobody keeps a gateway busy."""

_DINERS, _AMERICAN_EXPRESS, _VISA, _UNION_PAY = "3[068]", "3[47]", "4", "62"
_MASTERCARD = "5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"
_DISCOVER, _JCB = "6011|65|64[4-9]", "352[89]|35[3-8]"
_PREFIXES = {
    14: _DINERS,
    15: _AMERICAN_EXPRESS,
    16: f"{_VISA}|{_MASTERCARD}|{_DISCOVER}|{_JCB}|{_UNION_PAY}",
    17: _UNION_PAY,
    18: _UNION_PAY,
    19: f"{_VISA}|{_UNION_PAY}",
}
"""By the number's length."""

_GAP = r"[\s\u00ad\u2010-\u2015\u2212-]{0,2}"
"""What people write between digits: spaces and dashes of any kind."""

_LONG_ENOUGH = re.compile(rf"[2-6](?:{_GAP}[0-9]){{{min(_PREFIXES) - 1}}}")
_CANDIDATES = [
    (re.compile(rf"(?<![0-9A-Za-z])(?=([2-6](?:{_GAP}[0-9]){{{length - 1}}})(?![0-9A-Za-z]))"), re.compile(prefix))
    for length, prefix in _PREFIXES.items()
]
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def holds_card_number(text: str) -> bool:
    """Whether some digits in `text`, perhaps in groups, have a card's prefix and length and pass Luhn's check."""
    if _LONG_ENOUGH.search(text) is None:
        return False
    for pattern, prefix in _CANDIDATES:
        found = [match[1] for match in islice(pattern.finditer(text), MAX_CANDIDATES)]
        if len(found) == MAX_CANDIDATES:
            return True
        for candidate in found:
            digits = "".join(filter(str.isdecimal, candidate))
            if prefix.match(digits) and _passes_luhn(digits):
                return True
    return False


def _passes_luhn(digits: str) -> bool:
    doubled = sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + doubled) % 10 == 0

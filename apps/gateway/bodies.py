"""Reads what comes in before any service does, so that nothing ambiguous and no card number gets past the gateway (docs/adr/0015).

What passes is JSON that every parser reads alike (RFC 7493): UTF-8, no name twice, no number but a finite one, no text that is
none. It passes byte for byte.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

from starlette.exceptions import HTTPException

from apps.shared.card_numbers import holds_card_number

CARD_REFUSED = (
    "This looks like a card number. Plaza takes no card data: send the token that the payment provider gave you for it."
)
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def read_json(body: bytes, content_type: str) -> Any:
    """The decoded body; None for an empty one. Raises HTTPException 400, 415 or 422, none of which repeats what was sent."""
    if not body:
        return None
    if not _is_json(content_type):
        raise HTTPException(415, "Send JSON, as Content-Type: application/json.")
    try:
        decoded = json.loads(body.decode(), object_pairs_hook=_object, parse_float=_float, parse_constant=_float)
    except RecursionError as error:
        raise HTTPException(400, "The body is nested too deeply.") from error
    except ValueError as error:
        raise HTTPException(400, _reason(error)) from error
    for text in _texts(decoded):
        if _NO_TEXT.search(text):
            raise HTTPException(400, "The body has NUL characters or lone surrogates in its text.")
        if holds_card_number(text):
            raise HTTPException(422, CARD_REFUSED)
    return decoded


def url_holds_card_number(path: str, query: bytes) -> bool:
    """Whether a request's decoded path or its query string holds one."""
    return holds_card_number(path) or (bool(query) and holds_card_number(unquote_plus(query.decode("latin-1"))))


class _Ambiguous(ValueError):
    """Parsers would read it differently."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Ambiguous("The body has an object with the same name twice.")
    return made


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Ambiguous("The body has a number that is none, or too large for one.")
    return number


def _reason(error: ValueError) -> str:
    if isinstance(error, _Ambiguous):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return f"The body is not UTF-8, from byte {error.start} on."
    if isinstance(error, json.JSONDecodeError):
        return f"The body is not JSON, from character {error.pos} on."
    return "The body has a number that is too long."


def _texts(decoded: Any) -> Iterable[str]:
    """Every text in the body, names included, and every number as one."""
    waiting = [decoded]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, float) and value.is_integer():
            yield str(int(value))
        elif isinstance(value, int):
            yield str(value)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))

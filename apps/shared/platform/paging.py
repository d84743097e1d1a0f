"""Cursors and limits of list operations, the same in every service."""

import base64
import binascii
from typing import Annotated

from fastapi import Query
from starlette.exceptions import HTTPException

Limit = Annotated[int, Query(ge=1, le=100, description="Items a page")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]


def encode_cursor(text: str) -> str:
    """An opaque cursor that carries `text`."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """What `encode_cursor` was given. Raises HTTPException 400 for anything that it did not make."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "This cursor was not made by this list; start without one.") from error


def encode_position(position: int | None) -> str | None:
    """A cursor that carries a journal position; None stays None."""
    return None if position is None else encode_cursor(str(position))


def encode_place(place: tuple[int, int] | None) -> str | None:
    """A cursor that carries a place in a minute journal; None stays None."""
    return None if place is None else encode_cursor(f"{place[0]}.{place[1]}")


def decode_place(cursor: str | None) -> tuple[int, int]:
    """The place in `cursor`, the first one without. Raises HTTPException 400."""
    if cursor is None:
        return 0, 0
    number, dot, offset = decode_cursor(cursor).partition(".")
    if not (dot and _is_position(number) and _is_position(offset)):
        raise HTTPException(400, "This cursor was not made by this list; start without one.")
    return int(number), int(offset)


def decode_position(cursor: str | None) -> int | None:
    """The journal position in `cursor`. Raises HTTPException 400."""
    if cursor is None:
        return None
    text = decode_cursor(cursor)
    if not _is_position(text):
        raise HTTPException(400, "This cursor was not made by this list; start without one.")
    return int(text)


def _is_position(text: str) -> bool:
    return text.isdecimal() and len(text) <= 18

"""Cursors carry a place and bring it back, and nothing else is taken for one."""

import pytest
from starlette.exceptions import HTTPException

from apps.shared.platform.paging import decode_place, decode_position, encode_cursor, encode_place, encode_position


@pytest.mark.parametrize("place", [(0, 0), (3, 0), (12, 4800), (10**17, 7)])
def test_a_place_comes_back(place: tuple[int, int]) -> None:
    cursor = encode_place(place)
    assert cursor is not None
    assert decode_place(cursor) == place


def test_no_cursor_is_the_beginning_and_the_end_has_none() -> None:
    assert decode_place(None) == (0, 0)
    assert encode_place(None) is None
    assert (decode_position(None), encode_position(None)) == (None, None)


@pytest.mark.parametrize("text", ["", ".", "1", "1.", ".1", "-1.2", "1.-2", "1.2.3", "a.b", "1." + "9" * 19, "1 .2"])
def test_no_other_cursor_is_a_place(text: str) -> None:
    with pytest.raises(HTTPException, match="400"):
        decode_place(encode_cursor(text))


@pytest.mark.parametrize("cursor", ["%", "a", "====", "\u00e4"])
def test_what_is_no_cursor_at_all(cursor: str) -> None:
    for decode in (decode_place, decode_position):
        with pytest.raises(HTTPException, match="400"):
            decode(cursor)

"""Journals list every entry once, newest first, across pages and while others append."""

from datetime import timedelta

import pytest

from apps.shared.platform import journal
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore
from tests.unit.fakes import NOON, memory_state


async def append(state: StateStore, *entries: str) -> None:
    for entry in entries:
        await state.transact([journal.head_key("o")], lambda tx, entry=entry: journal.append(tx, "o", entry))  # type: ignore[misc]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
async def test_every_entry_is_read_once_newest_first(count: int) -> None:
    state = memory_state()
    names = [str(number) for number in range(count)]
    await append(state, *names)
    read: list[str] = []
    position: int | None = None
    while True:
        entries, position = await journal.read_backwards(state, "o", before=position, limit=33)
        read += entries
        if position is None:
            break
    assert read == names[::-1]
    assert await journal.read_all(state, "o") == names


async def test_appends_do_not_shift_a_reader() -> None:
    state = memory_state()
    await append(state, *"abcde")
    first, position = await journal.read_backwards(state, "o", before=None, limit=2)
    await append(state, "f")
    second, _ = await journal.read_backwards(state, "o", before=position, limit=2)
    assert (first, second) == (["e", "d"], ["c", "b"])


async def test_a_sweep_sees_each_finished_minute_once() -> None:
    state, minutes = memory_state(), MinuteJournal("m", shards=2)
    for number in range(5):
        at, entry = NOON + timedelta(minutes=number), f"e{number}"
        await state.transact([minutes.key(entry, at)], lambda tx, entry=entry, at=at: minutes.append(tx, entry, at))  # type: ignore[misc]
    seen: list[str] = []

    async def look(entry: str) -> None:
        seen.append(entry)

    assert await minutes.sweep(state, until=NOON + timedelta(minutes=2, seconds=59), look=look) == 2
    assert seen == ["e0", "e1"]
    await minutes.sweep(state, until=NOON + timedelta(minutes=9), look=look)
    assert seen == ["e0", "e1", "e2", "e3", "e4"]


async def test_what_a_sweep_could_not_handle_is_looked_at_by_the_next_one_and_delays_nothing() -> None:
    state, minutes = memory_state(), MinuteJournal("m", shards=1)
    for entry in ("bad", "good"):
        await state.transact([minutes.key(entry, NOON)], lambda tx, entry=entry: minutes.append(tx, entry, NOON))  # type: ignore[misc]
    seen: list[str] = []

    async def look(entry: str) -> None:
        seen.append(entry)
        if seen == ["bad"]:
            raise OSError

    await minutes.sweep(state, until=NOON + timedelta(hours=2), look=look)
    assert seen == ["bad", "good"]
    await minutes.sweep(state, until=NOON + timedelta(hours=3), look=look)
    assert seen == ["bad", "good", "bad"]

"""Journals list every entry once, newest first, across pages and while others append."""

from datetime import datetime, timedelta

import pytest

from apps.shared.platform import journal
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import StateStore
from tests.unit.fakes import NOON, MemorySidecar, memory_state


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
        await state.transact(minutes.keys(entry, at), lambda tx, entry=entry, at=at: minutes.append(tx, entry, at))  # type: ignore[misc]
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
        await state.transact(minutes.keys(entry, NOON), lambda tx, entry=entry: minutes.append(tx, entry, NOON))  # type: ignore[misc]
    seen: list[str] = []

    async def look(entry: str) -> None:
        seen.append(entry)
        if seen == ["bad"]:
            raise OSError

    await minutes.sweep(state, until=NOON + timedelta(hours=2), look=look)
    assert seen == ["bad", "good"]
    await minutes.sweep(state, until=NOON + timedelta(hours=3), look=look)
    assert seen == ["bad", "good", "bad"]


async def note(state: StateStore, minutes: MinuteJournal, entry: str, at: datetime) -> None:
    await state.transact(minutes.keys(entry, at), lambda tx: minutes.append(tx, entry, at))


async def walk(state: StateStore, minutes: MinuteJournal, *, limit: int) -> list[str]:
    seen: list[str] = []
    place: tuple[int, int] | None = (0, 0)
    while place is not None:
        entries, place = await minutes.list_page(state, after=place, limit=limit)
        assert len(entries) <= limit
        seen += entries
    return seen


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_a_walk_begins_at_the_first_entry_and_jumps_over_empty_hours(limit: int) -> None:
    sidecar, minutes = MemorySidecar(), MinuteJournal("m", shards=2)
    state = memory_state(sidecar)
    assert await walk(state, minutes, limit=limit) == []
    long_ago, today = NOON - timedelta(days=1000), NOON
    for number in range(7):
        await note(state, minutes, f"e{number}", long_ago + timedelta(minutes=7 * number))
        await note(state, minutes, f"f{number}", today + timedelta(minutes=20 * number))
    sidecar.calls.clear()
    assert sorted(await walk(state, minutes, limit=limit)) == [f"{day}{number}" for day in "ef" for number in range(7)]
    assert len(sidecar.calls) < 80, "empty hours were walked through"


async def test_a_walk_sees_every_entry_of_a_busy_minute() -> None:
    state, minutes = memory_state(), MinuteJournal("m", shards=1)
    for number in range(250):
        await note(state, minutes, f"{number}", NOON)
    assert await walk(state, minutes, limit=90) == [f"{number}" for number in range(250)]


async def test_an_hour_is_noted_once_and_an_older_one_late() -> None:
    state, minutes = memory_state(), MinuteJournal("m")
    for minute in (0, 5, 59, 60, -1, -2, 61):
        await note(state, minutes, f"e{minute}", NOON + timedelta(minutes=minute))
    assert await journal.read_all(state, "m/hours") == ["2026010212", "2026010213", "2026010211"]
    assert sorted(await walk(state, minutes, limit=2)) == ["e-1", "e-2", "e0", "e5", "e59", "e60", "e61"]


async def test_an_append_to_a_known_minute_writes_one_document() -> None:
    sidecar, minutes = MemorySidecar(), MinuteJournal("m", shards=1)
    state = memory_state(sidecar)
    await note(state, minutes, "e1", NOON)
    before = dict(sidecar.documents)
    await note(state, minutes, "e2", NOON)
    assert [key for key in before if sidecar.documents[key] != before[key]] == ["journal/m/202601021200/0"]
    assert set(sidecar.documents) == set(before)


async def test_first_entries_at_once_both_find_their_hour() -> None:
    sidecar, minutes = MemorySidecar(), MinuteJournal("m", shards=64)
    state = memory_state(sidecar)
    other = {"entries": ["2026010212"], "number": 0}
    sidecar.before_commit = lambda: sidecar.documents.update({"journal/m/hours": (other, "x")})
    await note(state, minutes, "e1", NOON)
    assert await journal.read_all(state, "m/hours") == ["2026010212"]
    assert await walk(state, minutes, limit=10) == ["e1"]


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
async def test_entries_by_number(count: int) -> None:
    state = memory_state()
    await append(state, *map(str, range(count)))
    found = [await journal.find_entry(state, "o", number) for number in range(count + 3)]
    assert found == [*map(str, range(count)), None, None, None]

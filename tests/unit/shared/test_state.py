"""Load, decide, save: one bulk get, one transaction, and a new start when a document changed meanwhile."""

import traceback
from dataclasses import dataclass

import orjson
import pytest

from apps.shared.platform.sidecar import SidecarError
from apps.shared.platform.state import MAX_ATTEMPTS, DocumentUnreadable, StateConflict, Transaction
from tests.unit.fakes import MemorySidecar, memory_state


@dataclass(frozen=True)
class Counter:
    value: int


@dataclass(frozen=True)
class Note:
    text: str


def increment(transaction: Transaction) -> int:
    counter = transaction.find("counter", Counter) or Counter(0)
    transaction.put("counter", Counter(counter.value + 1))
    return counter.value + 1


async def test_two_round_trips_however_many_documents() -> None:
    sidecar = MemorySidecar()

    def decide(transaction: Transaction) -> None:
        for key in ("a", "b", "c"):
            transaction.put(key, Counter(1))

    await memory_state(sidecar).transact(["a", "b", "c"], decide)
    assert sidecar.calls == ["bulk", "transaction"]
    assert set(sidecar.documents) == {"a", "b", "c"}


async def test_reading_alone_commits_nothing() -> None:
    sidecar = MemorySidecar()
    assert await memory_state(sidecar).transact(["a"], lambda transaction: transaction.find("a", Counter)) is None
    assert sidecar.calls == ["bulk"]


async def test_a_document_that_changed_meanwhile_starts_the_round_over() -> None:
    sidecar = MemorySidecar()
    state = memory_state(sidecar)
    await state.transact(["counter"], increment)
    sidecar.before_commit = lambda: sidecar.touch("counter")
    assert await state.transact(["counter"], increment) == 2
    assert sidecar.calls == ["bulk", "transaction"] + ["bulk", "transaction"] * 2


async def test_a_document_that_appeared_meanwhile_starts_the_round_over() -> None:
    sidecar = MemorySidecar()
    sidecar.before_commit = lambda: sidecar.documents.update(counter=('{"value": 10}', "x"))
    assert await memory_state(sidecar).transact(["counter"], increment) == 11


async def test_endless_contention_is_given_up_and_writes_nothing() -> None:
    sidecar = MemorySidecar()
    state = memory_state(sidecar)
    await state.transact(["counter"], increment)

    def contended(transaction: Transaction) -> int:
        sidecar.touch("counter")
        return increment(transaction)

    with pytest.raises(StateConflict):
        await state.transact(["counter"], contended)
    assert sidecar.calls.count("transaction") == 1 + MAX_ATTEMPTS
    assert await state.find("counter", Counter) == Counter(1)


async def test_what_a_decision_raises_writes_nothing() -> None:
    sidecar = MemorySidecar()

    def decide(transaction: Transaction) -> None:
        transaction.put("a", Counter(1))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await memory_state(sidecar).transact(["a"], decide)
    assert sidecar.documents == {}


async def test_only_what_was_read_can_be_written() -> None:
    with pytest.raises(KeyError):
        await memory_state().transact(["a"], lambda transaction: transaction.put("b", Counter(1)))


async def test_delete_and_write_see_each_other_within_a_round() -> None:
    state = memory_state()
    await state.transact(["counter"], increment)

    def decide(transaction: Transaction) -> tuple[Counter | None, Counter | None]:
        transaction.delete("counter")
        gone = transaction.find("counter", Counter)
        transaction.put("counter", Counter(5))
        return gone, transaction.find("counter", Counter)

    assert await state.transact(["counter"], decide) == (None, Counter(5))
    await state.transact(["counter"], lambda transaction: transaction.delete("counter"))
    assert await state.find("counter", Counter) is None


async def test_an_unreadable_document_is_named_and_not_shown() -> None:
    transaction = Transaction({"counter": ({"value": "Ada Byron"}, "1")})
    with pytest.raises(DocumentUnreadable) as caught:
        transaction.find("counter", Counter)
    text = "".join(traceback.format_exception(caught.value))
    assert "cannot read counter: value: int_parsing" in text
    assert "Ada" not in text


async def test_a_database_that_dies_in_the_midst_of_an_answer_is_not_taken_for_an_empty_one() -> None:
    sidecar = MemorySidecar()
    store = memory_state(sidecar)
    await store.open()
    await store.transact(["a"], lambda transaction: transaction.put("a", {"n": 1}))
    assert await store.find("a", dict[str, int]) == {"n": 1}
    assert await store.find("b", dict[str, int]) is None
    sidecar.is_dying = True
    with pytest.raises(SidecarError, match="the answer broke off"):
        await store.find("a", dict[str, int])


@pytest.mark.parametrize("text", ['say "hi"', "two\nlines", "C:\\temp", "\x00", "grün"])
@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_a_text_is_stored_so_that_every_store_can_quote_it(text: str, is_encrypted: bool) -> None:
    """etcd's component writes `\\"` for `"` and leaves the rest; an encrypted store answers the text as the JSON that it is."""
    sidecar = MemorySidecar()
    store = memory_state(sidecar)
    await store.transact(["note"], lambda transaction: transaction.put("note", Note(text)))
    stored, etag = sidecar.documents["note"]
    quoted = '"' + stored.replace('"', '\\"') + '"'
    sidecar.documents["note"] = (orjson.loads(stored if is_encrypted else quoted), etag)
    assert await store.find("note", Note) == Note(text)


async def test_what_the_sidecar_cannot_put_into_json_is_no_empty_store() -> None:
    sidecar = MemorySidecar()
    sidecar.is_unreadable = True
    with pytest.raises(SidecarError, match="one of these is not stored as JSON"):
        await memory_state(sidecar).find("note", Note)

"""One question for many: who shares it, who does not, and what becomes of those who give up."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar

import pytest

from apps.shared.gathered import Gathered

who: ContextVar[str] = ContextVar("who", default="nobody")


class Oracle:
    """Answers each key with its length, when told to; knows none that begins with `x`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.askers: list[str] = []
        self.turn = asyncio.Event()
        self.failing: Exception | None = None

    async def __call__(self, keys: tuple[str, ...]) -> Mapping[str, int]:
        self.asked.append(keys)
        self.askers.append(who.get())
        await self.turn.wait()
        if self.failing:
            raise self.failing
        return {key: len(key) for key in keys if not key.startswith("x")}


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_come_while_a_question_is_under_way_share_the_next(oracle: Oracle) -> None:
    gathered: Gathered[str, int] = Gathered(oracle)
    first = asyncio.create_task(gathered.find(["a"]))
    await settle()
    late = [asyncio.create_task(gathered.find(keys)) for keys in (["bb", "ccc"], ["ccc", "xd"])]
    await settle()
    assert oracle.asked == [("a",)]
    oracle.turn.set()
    assert await first == {"a": 1}
    assert [await one for one in late] == [{"bb": 2, "ccc": 3}, {"ccc": 3}]
    assert oracle.asked == [("a",), ("bb", "ccc", "xd")]


async def test_an_answer_is_never_older_than_its_question(oracle: Oracle) -> None:
    gathered: Gathered[str, int] = Gathered(oracle)
    first = asyncio.create_task(gathered.find(["a"]))
    await settle()
    again = asyncio.create_task(gathered.find(["a"]))
    oracle.turn.set()
    await asyncio.gather(first, again)
    assert oracle.asked == [("a",), ("a",)]


async def test_as_many_questions_as_allowed_are_under_way_and_none_is_larger_than_allowed(oracle: Oracle) -> None:
    gathered: Gathered[str, int] = Gathered(oracle, at_once=2, most=2)
    tasks = [asyncio.create_task(gathered.find([letter])) for letter in "ab"]
    await settle()
    tasks += [asyncio.create_task(gathered.find([letter])) for letter in "cdef"]
    tasks.append(asyncio.create_task(gathered.find(["g", "h", "i"])))
    await settle()
    assert oracle.asked == [("a", "b"), ("c", "d")]
    oracle.turn.set()
    await asyncio.gather(*tasks)
    assert oracle.asked[2:] == [("e", "f"), ("g", "h", "i")]


async def test_a_failure_is_everyones_who_shared_and_the_next_question_is_put(oracle: Oracle) -> None:
    gathered: Gathered[str, int] = Gathered(oracle)
    oracle.failing = ConnectionError("away")
    tasks = [asyncio.create_task(gathered.find([letter])) for letter in "ab"]
    oracle.turn.set()
    assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [ConnectionError] * 2
    oracle.failing = None
    assert await gathered.find(["c"]) == {"c": 1}


async def test_who_gives_up_keeps_nobody_from_the_answer(oracle: Oracle) -> None:
    gathered: Gathered[str, int] = Gathered(oracle)
    first, impatient, second, third = (asyncio.create_task(gathered.find([letter])) for letter in "abcd")
    await settle()
    waiting = asyncio.create_task(gathered.find(["e"]))
    gone = asyncio.create_task(gathered.find(["f"]))
    await settle()
    impatient.cancel()
    gone.cancel()
    oracle.turn.set()
    assert [await one for one in (first, second, third, waiting)] == [{"a": 1}, {"c": 1}, {"d": 1}, {"e": 1}]
    assert oracle.asked == [("a", "b", "c", "d"), ("e",)]


async def test_a_question_speaks_for_who_waited_longest(oracle: Oracle) -> None:
    gathered: Gathered[str, int] = Gathered(oracle)
    tasks = []
    for name in ("ada", "bob", "eve"):
        who.set(name)
        tasks.append(asyncio.create_task(gathered.find([name])))
        await settle()
    who.set("main")
    oracle.turn.set()
    await asyncio.gather(*tasks)
    assert oracle.askers == ["ada", "bob"]


async def test_who_wants_nothing_asks_nothing(oracle: Oracle) -> None:
    assert await Gathered[str, int](oracle).find([]) == {}
    assert oracle.asked == []


async def test_nobody_waits_for_ever_for_a_question_that_was_broken_off(oracle: Oracle) -> None:
    class Crash(BaseException):
        pass

    async def crash(_: tuple[str, ...]) -> Mapping[str, int]:
        await oracle.turn.wait()
        raise Crash

    gathered: Gathered[str, int] = Gathered(crash)
    tasks = [asyncio.create_task(gathered.find([letter])) for letter in "ab"]
    oracle.turn.set()
    found = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [type(one) for one in found] == [Crash, Crash]

"""The stores over the state API in memory: what is claimed, what is kept, and who wins a race."""

from typing import Any

import pytest

from apps.shared.platform.sidecar import SidecarError
from apps.users.domain import EmailTaken, Family, RefreshToken, Role, User, UserNotFound, rotate
from apps.users.store import DaprSessionStore, DaprUserStore
from tests.unit.fakes import NOON, MemorySidecar, memory_state

ADA = User("usr_1", "ada@shop.example", "Ada", Role.CUSTOMER, "hash", NOON)
EVE = User("usr_2", "ada@shop.example", "Eve", Role.CUSTOMER, "hash", NOON)
FAMILY_ID = "f" * 22


def token(letter: str) -> RefreshToken:
    return RefreshToken(FAMILY_ID, letter * 43)


async def test_accounts_are_found_by_id_and_by_address() -> None:
    store = DaprUserStore(memory_state())
    await store.add(ADA)
    assert await store.find("usr_1") == ADA
    assert await store.find_by_email("ada@shop.example") == ADA
    assert await store.find_by_email("bob@shop.example") is None


async def test_an_address_is_claimed_once_and_nothing_else_is_written() -> None:
    sidecar = MemorySidecar()
    store = DaprUserStore(memory_state(sidecar))
    await store.add(ADA)
    with pytest.raises(EmailTaken):
        await store.add(EVE)
    assert await store.find("usr_2") is None
    assert not any("ada@" in key for key in sidecar.documents), "keys are not encrypted"
    await store.add(ADA)


async def test_another_claim_comes_in_between() -> None:
    sidecar = MemorySidecar()
    store = DaprUserStore(memory_state(sidecar))
    sidecar.before_commit = lambda: store.add(EVE)
    with pytest.raises(EmailTaken):
        await store.add(ADA)
    assert await store.find("usr_1") is None
    assert await store.find_by_email("ada@shop.example") == EVE


async def test_an_unknown_address_costs_as_many_calls() -> None:
    sidecar = MemorySidecar()
    store = DaprUserStore(memory_state(sidecar))
    await store.add(ADA)
    sidecar.calls.clear()
    await store.find_by_email("ada@shop.example")
    known = list(sidecar.calls)
    sidecar.calls.clear()
    await store.find_by_email("bob@shop.example")
    assert sidecar.calls == known


async def test_a_missing_account_is_not_updated() -> None:
    with pytest.raises(UserNotFound):
        await DaprUserStore(memory_state()).update("usr_1", lambda user: user)


async def test_of_two_refreshes_at_once_one_wins_and_the_family_ends() -> None:
    sidecar = MemorySidecar()
    store = DaprSessionStore(memory_state(sidecar))
    await store.open(FAMILY_ID, Family("usr_1", token("a").secret_hash))
    winners: list[Family | None] = []

    async def win() -> None:
        winners.append(await store.update(FAMILY_ID, lambda family: rotate(family, token("a"), token("b"))))

    sidecar.before_commit = win
    assert await store.update(FAMILY_ID, lambda family: rotate(family, token("a"), token("c"))) is None
    assert winners == [Family("usr_1", token("b").secret_hash, 1)]
    assert sidecar.documents == {}


async def test_a_rotation_whose_answer_was_lost_does_not_end_an_honest_family() -> None:
    sidecar = MemorySidecar()
    store = DaprSessionStore(memory_state(sidecar))
    await store.open(FAMILY_ID, Family("usr_1", token("a").secret_hash))
    call = sidecar.call
    lost: list[str] = []

    async def commit_and_lose_the_answer(method: str, path: str, **rest: Any) -> Any:
        answer = await call(method, path, **rest)
        if path.endswith("transaction") and not lost:
            lost.append(path)
            raise SidecarError("POST", 500, "ERR_STATE_TRANSACTION", "")
        return answer

    sidecar.call = commit_and_lose_the_answer  # type: ignore[method-assign]
    rotated = Family("usr_1", token("b").secret_hash, 1)
    assert await store.update(FAMILY_ID, lambda family: rotate(family, token("a"), token("b"))) == rotated
    assert lost

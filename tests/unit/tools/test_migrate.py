"""What a move decides: what may be moved, what is written, and that no answer of a dying store counts as an empty one."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from apps.shared.platform import journal
from apps.shared.platform.journal import PAGE_SIZE
from apps.shared.platform.minutes import MinuteJournal
from apps.shared.platform.state import Transaction
from tests.unit.fakes import NOON, MemorySidecar, memory_state
from tools.local.errors import LocalError
from tools.local.home import PROJECT
from tools.migrate.contents import STORES, WALKS, Found, is_under_way
from tools.migrate.documents import WITNESS, Copier, Reader, ends_soon, saved
from tools.migrate.move import require_ended
from tools.migrate.stores import write_components

MINUTES = MinuteJournal("things")


class TwoStores:
    """The state API over two stores in memory: `from`, which can break off, and `to`, which can lose or spoil what it is given."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.stores: dict[str, dict[str, Any]] = {"from": {}, "to": {}}
        self.stores["from"] |= {key: {"key": key, "data": data} for key, data in documents.items()}
        self.saved: list[dict[str, Any]] = []
        self.breaks_off = False
        self.spoils = ""
        self.loses = ""

    async def call(self, method: str, path: str, *, json: Any, **options: Any) -> Any:
        _, _, _, store, *rest = path.split("/")
        if rest == ["bulk"]:
            broken = self.breaks_off and store == "from"
            return [{"key": key} if broken else self.stores[store].get(key, {"key": key}) for key in json["keys"]]
        self.saved += json
        for item in json:
            if item["key"] != self.loses:
                value = '"spoilt"' if item["key"] == self.spoils else item["value"]
                self.stores[store][item["key"]] = {"key": item["key"], "data": value}
        return None


def copier(documents: dict[str, Any]) -> tuple[TwoStores, Copier]:
    stores = TwoStores({WITNESS: "{}", **documents})
    return stores, Copier(stores, "from", "to")  # type: ignore[arg-type]


async def memory_of_journals() -> TwoStores:
    """A journal of two pages and a half, and one by minute over two hours, as services write them."""
    sidecar = MemorySidecar()
    state = memory_state(sidecar)

    async def append(owner: str, entry: str) -> None:
        await state.transact([journal.head_key(owner)], lambda tx: journal.append(tx, owner, entry))

    for number in range(2 * PAGE_SIZE + PAGE_SIZE // 2):
        await append("skus", f"S-{number}")
    for minutes in (0, 1, 61):
        at = NOON + timedelta(minutes=minutes)

        def note(transaction: Transaction, entry: str = f"at-{minutes}") -> None:
            MINUTES.append(transaction, entry, at)  # noqa: B023

        await state.transact(MINUTES.keys(f"at-{minutes}", at), note)
    return TwoStores({WITNESS: "{}", **{key: value for key, (value, _) in sidecar.documents.items()}})


async def test_journals_list_all_that_there_is_in_order() -> None:
    reader = Reader(await memory_of_journals(), "from")  # type: ignore[arg-type]
    assert await reader.journal("skus") == [f"S-{number}" for number in range(2 * PAGE_SIZE + PAGE_SIZE // 2)]
    assert await reader.minutes(MINUTES) == ["at-0", "at-1", "at-61"]
    assert await reader.journal("nobody") == []


async def test_a_journal_is_copied_with_all_its_pages() -> None:
    stores = await memory_of_journals()
    copy = Copier(stores, "from", "to")  # type: ignore[arg-type]
    await copy.journal("skus")
    await copy.minutes(MINUTES)
    assert {key for key in stores.stores["from"] if key != WITNESS} == set(stores.stores["to"])
    assert copy.count == len(stores.stores["to"])


async def test_a_journal_with_a_gap_is_told() -> None:
    stores = await memory_of_journals()
    del stores.stores["from"][journal.page_key("skus", 1)]
    with pytest.raises(LocalError, match="the journal of skus in from has a gap"):
        await Reader(stores, "from").journal("skus")  # type: ignore[arg-type]


async def test_a_store_that_breaks_off_is_not_an_empty_one() -> None:
    stores, copy = copier({"stock/A": '{"sku":"A"}'})
    stores.breaks_off = True
    with pytest.raises(LocalError, match="broke off"):
        await copy.see(["stock/A"])
    assert stores.saved == []


async def test_a_document_is_written_as_its_service_would_once_and_with_the_rest_of_its_life() -> None:
    stores, copy = copier({"plain/1": '{"a":1}', "private/1": {"a": 1}})
    assert await copy.read(["plain/1", "private/1", "absent", "plain/1"]) == {
        "plain/1": {"a": 1},
        "private/1": {"a": 1},
    }
    await copy.see(["plain/1"])
    assert stores.saved == [{"key": "plain/1", "value": '{"a":1}'}, {"key": "private/1", "value": '{"a":1}'}]
    assert copy.count == 2


def test_what_ends_keeps_its_end() -> None:
    def row(seconds: int) -> dict[str, Any]:
        ends_at = (NOON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
        return {"data": "{}", "metadata": {"ttlExpireTime": ends_at}}

    assert saved("a", row(90), NOON) == {"key": "a", "value": "{}", "metadata": {"ttlInSeconds": "90"}}
    assert saved("a", row(0), NOON)["metadata"] == {"ttlInSeconds": "1"}
    assert (ends_soon(row(4), NOON), ends_soon(row(6), NOON), ends_soon({"data": "{}"}, NOON)) == (True, False, False)


@pytest.mark.parametrize(("fault", "told"), [("loses", "does not have it"), ("spoils", "another stock/A")])
async def test_a_store_that_does_not_keep_what_it_took_is_told(fault: str, told: str) -> None:
    stores, copy = copier({"stock/A": '{"sku":"A"}'})
    setattr(stores, fault, "stock/A")
    with pytest.raises(LocalError, match=told):
        await copy.see(["stock/A"])


@pytest.mark.parametrize(
    ("status", "cancel_requested_at", "under_way"),
    [
        ("draft", None, True),
        ("confirmed", None, True),
        ("paid", None, False),
        ("paid", "2026-01-02T12:00:00Z", True),
        ("shipped", None, False),
        ("cancelled", "2026-01-02T12:00:00Z", False),
    ],
)
def test_an_order_that_a_workflow_has_to_do_with_is_under_way(
    status: str, cancel_requested_at: str | None, under_way: bool
) -> None:
    assert is_under_way({"status": status, "cancel_requested_at": cancel_requested_at}) is under_way


async def test_orders_tell_their_users_their_attempts_and_what_is_under_way() -> None:
    stores, copy = copier(
        {
            "journal/order-reminders/hours": orjson.dumps({"entries": ["2026010212"], "number": 0}).decode(),
            "journal/order-reminders/202601021200/3": orjson.dumps(
                {"entries": ["ord_1 usr_1 abc", "ord_2 usr_1", "ord_9 usr_2 def"], "number": 0}
            ).decode(),
            "order/ord_1": '{"id":"ord_1","status":"paid","cancel_requested_at":null}',
            "order/ord_2": '{"id":"ord_2","status":"draft","cancel_requested_at":null}',
            "attempt/usr_1/abc": '{"order_id":"ord_1"}',
            "journal/orders-of/usr_1": '{"entries":["ord_1","ord_2"],"number":0}',
            "sweep/order-reminders": '{"next_minute":"2026-01-02T12:00:00Z"}',
        }
    )
    found = Found()
    await WALKS["orders"](copy, found)

    assert (list(found.order_ids), list(found.user_ids)) == (["ord_1", "ord_2", "ord_9"], ["usr_1", "usr_2"])
    assert found.under_way == ["ord_2"]
    assert set(stores.stores["to"]) == set(stores.stores["from"]) - {WITNESS}


def test_a_shop_with_orders_under_way_stays_and_names_some() -> None:
    require_ended([])
    with pytest.raises(LocalError) as caught:
        require_ended([f"ord_{number}" for number in range(5)])
    assert str(caught.value).startswith("5 orders are under way, and workflows cannot be moved")
    assert str(caught.value).endswith("(ord_0, ord_1, ord_2, …).")
    assert "\n" not in str(caught.value)


def test_each_app_has_its_documents_behind_a_component_of_its_own(tmp_path: Path) -> None:
    write_components(PROJECT / "components", tmp_path / "made", ("postgres", "etcd"))

    made = {file.stem: yaml.safe_load(file.read_text()) for file in (tmp_path / "made").iterdir()}
    assert set(made) == {f"{side}-{app_id}" for side in ("from", "to") for app_id in STORES}
    for name, content in made.items():
        side, _, app_id = name.partition("-")
        metadata = {item["name"]: item for item in content["spec"]["metadata"]}
        assert content["metadata"]["name"] == name
        assert content["spec"]["type"] == {"from": "state.postgresql", "to": "state.etcd"}[side]
        assert metadata["keyPrefix"]["value"] == app_id
        assert "actorStateStore" not in metadata
        assert ("primaryEncryptionKey" in metadata) == (STORES[app_id] == "private-store")

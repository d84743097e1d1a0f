"""Gathering reads every page of a shop, and the command prints a table of what was found, or says in one line why it could not."""

from typing import Any

import pytest

from tests.unit.fakes import NOON
from tests.unit.tools.audited_shop import GRACE, NOTHING, TEN, shop
from tools.audit import __main__ as command
from tools.audit.facts import Ledger, Letter, Message, Payment, Reservation, Stock
from tools.audit.gathering import gather
from tools.audit.invariants import INVARIANTS, examine
from tools.local.api import Answer, Api


class FakeApi(Api):
    """Answers the audit listings of a shop of three orders; remembers what it was asked."""

    def __init__(self, *, stock_moves: bool = False) -> None:
        super().__init__("http://shop")
        self.asked: list[str] = []
        self._sold = iter((1, 2)) if stock_moves else iter((1, 1))

    def call(self, method: str, path: str, *_: Any, **__: Any) -> Answer:
        self.asked.append(path.removeprefix("/api/v1/audit/"))
        usd = {"currency": "USD"}
        money = {"captured": {**usd, "amount_minor": 1000}, "refunded": {**usd, "amount_minor": 0}}
        answers: dict[str, Any] = {
            "orders?limit=100": ([{"order_id": "o1", "status": "paid", "total": {**usd, "amount_minor": 1000}}], "c"),
            "orders?limit=100&cursor=c": (
                [{"order_id": "o2", "status": None}, {"order_id": "o1", "status": "shipped"}],
                None,
            ),
            "reservations?limit=100": ([{"order_id": "o1", "status": "sold", "allocations": [], "at": "x"}], None),
            "payments?limit=100": (
                [{"order_id": "o1", "ledger": {**money, "status": "captured", "captures": 1}, "books": None}],
                None,
            ),
            "payments?order_ids=o2": ([{"order_id": "o2", "ledger": None, "books": None}], None),
            "notifications?event_ids=o1%3Aconfirmed&event_ids=o1%3Apaid&event_ids=o1%3Ashipped": (
                [{"event_id": "o1:shipped", "message_id": None, "mail": None}],
                None,
            ),
            "dead-letters/inventory?limit=100": ([], None),
            "dead-letters/carts?limit=100": (
                [{"id": "dlt_1", "event_id": "e", "type": "t", "text": "x", "arrived_at": "x", "handled_at": None}],
                None,
            ),
            "dead-letters/notifications?limit=100": ([], None),
        }
        name = self.asked[-1]
        if name == "stock?limit=100":
            sku = {"sku": "PEN", "received": 5, "available": 4, "reserved": 0, "warehouses": []}
            answers[name] = ([{**sku, "sold": next(self._sold)}], None)
        items, cursor = answers[name]
        return Answer(200, {"items": items, "next_cursor": cursor})


def test_gathering_reads_every_page_and_keeps_the_latest() -> None:
    api = FakeApi()
    facts = gather(api)
    assert (facts.orders["o1"].status, facts.orders["o2"].status) == ("shipped", None)
    assert facts.payments == {"o1": Payment("o1", Ledger("captured", TEN, NOTHING, 1), None)}
    assert facts.reservations == {"o1": Reservation("o1", "sold")}
    assert facts.messages == {"o1:shipped": Message("o1:shipped", None)}
    assert facts.letters == (Letter("carts", "dlt_1", "e", "t", is_handled=False),)
    assert (facts.stocks, facts.moving) == ({"PEN": Stock("PEN", 5, 4, 0, 1)}, frozenset())
    assert api.asked.index("reservations?limit=100") < api.asked.index("orders?limit=100")


def test_gathering_notes_which_stock_moved() -> None:
    assert gather(FakeApi(stock_moves=True)).moving == {"PEN"}


def test_the_command_without_a_shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: Any) -> None:
    monkeypatch.setenv("PLAZA_HOME", str(tmp_path))
    assert command.main([]) == 2
    (tmp_path / "run.json").write_text(
        '{"gateway_url": "http://127.0.0.1:9", "admin": {"email": "a", "password": "b"}}'
    )
    assert command.main([]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"plaza: No shop runs in {tmp_path}: start one with 'make run'."
    assert lines[1].startswith("plaza: POST /auth/login got no answer: ")
    assert len(lines) == 2


def test_the_table() -> None:
    facts = shop(messages={"paid:paid": None}, moving=frozenset({"PEN"}))
    lines = command.written(examine(facts, now=NOON, grace=GRACE)).splitlines()
    assert len(lines) == 1 + len(INVARIANTS) + 2
    assert lines[0].split() == ["invariant", "checked", "breaches"]
    assert lines[-5].split()[-2:] == ["5", "1"]
    assert lines[-2] == "sums not compared, since the stock moved meanwhile: PEN"
    assert lines[-1] == "message-missing: paid: no message says that the order is paid"

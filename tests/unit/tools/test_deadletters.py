"""The operators' command: what it prints, what it asks the shop to do, and how it exits."""

from typing import Any

import pytest
import yaml

from apps.gateway.routing import FORWARDED
from tools import deadletters
from tools.local.api import Answer, Api
from tools.local.errors import LocalError
from tools.local.home import PROJECT


class FakeApi(Api):
    """A shop with two letters that wait and one that was replayed; `stubborn` are refused again."""

    def __init__(self, *, stubborn: frozenset[str] = frozenset(), empty: bool = False) -> None:
        super().__init__("http://shop")
        self.stubborn, self.replayed = stubborn, set[str]()
        self.letters: dict[str, list[str]] = {} if empty else {"inventory": ["new", "old"], "carts": ["done"]}
        self.handled = {"done"}

    def call(self, method: str, path: str, *_: Any, **__: Any) -> Answer:
        consumer, *rest = path.removeprefix(f"{deadletters.DEAD_LETTERS}/").partition("?")[0].split("/")
        if method == "GET":
            items = [self._letter(name) for name in self.letters.get(consumer, [])]
            return Answer(200, {"items": items, "next_cursor": None})
        name = rest[0].removeprefix("dlt_")
        self.replayed.add(f"{consumer} {name}")
        if name in self.stubborn:
            raise LocalError(f"POST {path} answered 409: refused again")
        self.handled.add(name)
        return Answer(200, self._letter(name))

    def _letter(self, name: str) -> dict[str, Any]:
        at = "2026-01-02T12:00:00Z"
        return {
            "id": f"dlt_{name}",
            "event_id": f"{name}:paid",
            "type": "t",
            "text": "{}",
            "arrived_at": at,
            "handled_at": at if name in self.handled else None,
        }


def run(monkeypatch: pytest.MonkeyPatch, api: Api, *arguments: str) -> int:
    monkeypatch.setattr(deadletters, "admin_of", lambda _: api)
    return deadletters.main(list(arguments))


def test_it_lists_what_waits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, FakeApi()) == 1
    assert capsys.readouterr().out.splitlines() == [
        "consumer   id       arrived_at            type  event_id",
        "inventory  dlt_old  2026-01-02T12:00:00Z  t     old:paid",
        "inventory  dlt_new  2026-01-02T12:00:00Z  t     new:paid",
    ]
    assert run(monkeypatch, FakeApi(empty=True)) == 0
    assert capsys.readouterr().out == "No dead letter waits.\n"


def test_it_replays_all_or_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    api = FakeApi()
    assert run(monkeypatch, api, "--replay", "all") == 0
    assert api.replayed == {"inventory old", "inventory new"}
    assert capsys.readouterr().out.splitlines() == [
        "inventory dlt_old: handled",
        "inventory dlt_new: handled",
        "No dead letter waits.",
    ]
    for name in ("dlt_old", "old:paid"):
        api = FakeApi()
        assert run(monkeypatch, api, "--replay", name) == 1
        assert api.replayed == {"inventory old"}


def test_what_is_refused_again_waits_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, FakeApi(stubborn=frozenset({"old"})), "--replay", "all") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("inventory dlt_old: POST ")
    assert lines[0].endswith("answered 409: refused again")
    assert [line.split()[1] for line in lines[1:]] == ["dlt_new:", "id", "dlt_old"]


def test_what_it_cannot_do_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    assert run(monkeypatch, FakeApi(), "--replay", "dlt_done") == 2
    monkeypatch.undo()
    monkeypatch.setenv("PLAZA_HOME", str(tmp_path))
    assert deadletters.main([]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "plaza: No dead letter dlt_done waits.",
        f"plaza: No shop runs in {tmp_path}: start one with 'make run'.",
    ]


def test_every_consumer_keeps_its_dead_letters_and_is_asked() -> None:
    subscriptions = [
        one
        for file in (PROJECT / "config/subscriptions").glob("*.yaml")
        for one in yaml.safe_load_all(file.read_text())
    ]
    consumers = {scope for one in subscriptions for scope in one["scopes"]}
    kept = {
        one["scopes"][0]: one["spec"] for one in subscriptions if one["spec"]["routes"]["default"] == "/dead-letters"
    }
    assert consumers == set(kept) == set(deadletters.CONSUMERS)
    for one in subscriptions:
        assert one["spec"]["deadLetterTopic"] == kept[one["scopes"][0]]["topic"]
    listings = {row.path: row.app_id for row in FORWARDED if row.method == "GET" and "dead-letters" in row.path}
    assert listings == {f"{deadletters.DEAD_LETTERS}/{consumer}": consumer for consumer in consumers}

"""A storm that left nothing undone has no breach; each thing that can be wrong is found under its name, alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.storm.account import Aftermath, KillRecord, Mails, Promise
from tools.storm.mailbox import Mailbox
from tools.storm.plan import PlannedOrder
from tools.storm.report import written
from tools.storm.retelling import events_of
from tools.storm.tally import Tally, count

ADA, BOB = "ada@plaza.example", "bob@plaza.example"
AT = "2026-11-24T12:00:00Z"


def planned(token: str = "tok_visa") -> PlannedOrder:
    return PlannedOrder(f"key-{token}", ((0, 2),), token)


def order(order_id: str, *statuses: str, code: str = "") -> dict[str, Any]:
    price = {"amount_minor": 2000, "currency": "USD"}
    return {
        "id": order_id,
        "user_id": "usr_1",
        "status": statuses[-1],
        "lines": [{"sku": "PEN", "quantity": 2, "total": price}],
        "total": price,
        "timeline": [{"status": status, "at": AT} for status in statuses],
        "failure": {"code": code, "message": "It ended."} if code else None,
    }


PAID = order("ord_paid", "draft", "confirmed", "paid")
DECLINED = order("ord_declined", "draft", "cancelled", code="payment_declined")
UNDONE = order("ord_undone", "draft", "confirmed", "paid", "cancelled", code="cancelled_by_customer")
ORDERS = {one["id"]: one for one in (PAID, DECLINED, UNDONE)}
MAILS = Mails(
    {
        (ADA, "ord_paid", "confirmed"): 1,
        (ADA, "ord_paid", "paid"): 1,
        (BOB, "ord_declined", "cancelled"): 1,
        (BOB, "ord_undone", "confirmed"): 1,
        (BOB, "ord_undone", "paid"): 1,
        (BOB, "ord_undone", "cancelled"): 1,
    }
)
CLEAN = Aftermath(
    planned=3,
    promises=(
        Promise(planned(), ADA, {"ord_paid"}),
        Promise(planned("tok_chargeDeclined"), BOB, {"ord_declined"}),
        Promise(planned("tok_timeout"), BOB, {"ord_undone"}, cancel_accepted=True),
    ),
    orders=ORDERS,
    owners={"ord_paid": ADA, "ord_declined": BOB, "ord_undone": BOB},
    stocks={"PEN": {"received": 3, "available": 1, "reserved": 0, "sold": 2}},
    mails=MAILS,
    unconfirmed=frozenset(),
    audit={},
    kills=(KillRecord("redis", came_back=True, paid_seconds=2.0),),
)


def found(tally: Tally) -> dict[str, tuple[str, ...]]:
    return {wrong.name: wrong.found for wrong in tally.wrongs if wrong.found}


def with_order(changed: dict[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return {**ORDERS, changed["id"]: changed}


def promised(number: int, **changes: Any) -> tuple[Promise, ...]:
    promises = list(CLEAN.promises)
    promises[number] = replace(promises[number], **changes)
    return tuple(promises)


def test_a_clean_aftermath_is_counted_and_has_no_breach() -> None:
    tally = count(CLEAN)
    assert found(tally) == {}
    assert tally.is_clean
    assert (tally.accepted, tally.paid) == (3, 1)
    assert tally.cancelled == {"payment_declined": 1, "cancelled_by_customer": 1}


@pytest.mark.parametrize(
    ("name", "after", "case"),
    [
        (
            "lost orders",
            replace(CLEAN, promises=promised(0, order_ids={"ord_gone", "ord_paid"}), planned=3),
            "ord_gone does not exist",
        ),
        (
            "keys with two orders",
            replace(CLEAN, promises=promised(0, order_ids={"ord_paid", "ord_declined"})),
            "key-tok_visa made ord_declined and ord_paid",
        ),
        ("orders of no key", replace(CLEAN, promises=promised(0, order_ids=set())), "ord_paid"),
        (
            "double charges",
            replace(CLEAN, audit={"charged-twice": ["ord_paid: captured 2 times"]}),
            "ord_paid: captured 2 times",
        ),
        (
            "oversold units",
            replace(CLEAN, stocks={"PEN": {"received": 1, "available": 0, "reserved": 0, "sold": 2}}),
            "PEN: 2 units in paid orders of 1",
        ),
        (
            "oversold units",
            replace(CLEAN, stocks={"PEN": {"received": 3, "available": -1, "reserved": 0, "sold": 2}}),
            "PEN: -1 available",
        ),
        (
            "miscounted units",
            replace(CLEAN, stocks={"PEN": {"received": 3, "available": 0, "reserved": 1, "sold": 2}}),
            "PEN: 2 sold and 1 reserved, and 2 units in paid orders",
        ),
        ("stuck sagas", replace(CLEAN, audit={"order-stuck": ["ord_1: draft"]}), "ord_1: draft"),
        ("stuck sagas", replace(CLEAN, audit={"workflow-lingers": ["ord_1: paid"]}), "ord_1: paid"),
        (
            "duplicate mails",
            replace(CLEAN, mails=MAILS + Mails({(ADA, "ord_paid", "paid"): 1})),
            "ord_paid paid: 2 times",
        ),
        ("missing mails", replace(CLEAN, mails=MAILS - Mails({(ADA, "ord_paid", "paid"): 1})), "ord_paid paid"),
        (
            "mails to a stranger",
            replace(CLEAN, mails=MAILS + Mails({(BOB, "ord_paid", "paid"): 1})),
            f"ord_paid paid to {BOB}",
        ),
        (
            "wrong ends",
            replace(CLEAN, promises=promised(0, planned=planned("tok_captureFails"))),
            "ord_paid: paid with tok_captureFails",
        ),
        (
            "wrong ends",
            replace(CLEAN, promises=promised(0, cancel_accepted=True)),
            "ord_paid: paid, though its cancellation was accepted",
        ),
        (
            "wrong ends",
            replace(CLEAN, promises=promised(1, planned=planned())),
            "ord_declined: cancelled for payment_declined with tok_visa",
        ),
        (
            "wrong ends",
            replace(CLEAN, orders=with_order({**PAID, "total": {"amount_minor": 1, "currency": "USD"}})),
            "ord_paid: its total is not the sum of its lines",
        ),
        ("orders never answered", replace(CLEAN, planned=4), "1 orders were not even begun"),
        (
            "orders never answered",
            replace(CLEAN, promises=promised(0, complaint="no answer")),
            "key-tok_visa: no answer",
        ),
        ("processes that stayed dead", replace(CLEAN, kills=(KillRecord("redis", paid_seconds=1.0),)), "redis"),
        ("probes never paid", replace(CLEAN, kills=(KillRecord("redis", came_back=True),)), "redis"),
        (
            "other breaches of the audit",
            replace(CLEAN, audit={"hold-orphaned": ["ord_1: held"]}),
            "hold-orphaned: ord_1: held",
        ),
    ],
)
def test_each_breach_is_found(name: str, after: Aftermath, case: str) -> None:
    tally = count(after)
    assert case in found(tally)[name]
    assert not tally.is_clean


def test_an_order_that_does_not_end_is_lost() -> None:
    hanging = order("ord_paid", "draft", "confirmed")
    mails = MAILS - Mails({(ADA, "ord_paid", "paid"): 1})
    stocks = {"PEN": {"received": 3, "available": 1, "reserved": 0, "sold": 0}}
    tally = count(replace(CLEAN, orders=with_order(hanging), mails=mails, stocks=stocks))
    assert found(tally) == {"lost orders": ("ord_paid is still confirmed",)}


def test_a_mail_of_which_the_shop_says_that_it_is_unconfirmed_is_not_missing() -> None:
    telling = (ADA, "ord_paid", "paid")
    after = replace(CLEAN, mails=MAILS - Mails({telling: 1}), unconfirmed=frozenset({telling}))
    assert found(count(after)) == {}


def test_mails_of_others_in_the_same_shop_do_not_count() -> None:
    elsewhere = Mails({("eve@plaza.example", "ord_other", "paid"): 2})
    assert found(count(replace(CLEAN, mails=MAILS + elsewhere))) == {}


def test_the_report_names_each_breach_and_the_times() -> None:
    kills = (*CLEAN.kills, KillRecord("redis", came_back=True, paid_seconds=5.0), KillRecord("mail", came_back=True))
    tally = count(replace(CLEAN, kills=kills))
    text = written(
        tally,
        kills=kills,
        seconds=2.0,
        retold=4,
        lost=1,
        begun_again=2,
        statuses={0: 7, 202: 3, 503: 2},
        unconfirmed=6,
        command="make",
    )
    assert "| **probes never paid** | **1** |" in text
    assert "| **lost orders** | **0** |" in text
    assert "| redis | 2 | 3.5 | 5.0 |" in text
    assert "| mail | 1 | never | never |" in text
    assert "| checkouts a second | 1.5 |" in text
    assert "| mails known to be unconfirmed | 6 |" in text
    assert "probes never paid: mail" in text


def test_events_are_told_again_as_they_were() -> None:
    confirmed, paid, cancelled = (event.model_dump(mode="json") for event in events_of(UNDONE))
    assert [one["event_id"] for one in (confirmed, paid, cancelled)] == [
        "ord_undone:confirmed",
        "ord_undone:paid",
        "ord_undone:cancelled",
    ]
    assert cancelled == {
        "event_id": "ord_undone:cancelled",
        "occurred_at": AT,
        "order_id": "ord_undone",
        "user_id": "usr_1",
        "total": {"amount_minor": 2000, "currency": "USD"},
        "code": "cancelled_by_customer",
        "message": "It ended.",
    }


def test_a_mailbox_is_counted_by_address_order_and_status(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    mail = f"From: shop@plaza.example\nTo: {ADA}\nSubject: Your order is paid\nContent-Type: text/html\n\n<p>Order ord_1x</p>\n"
    mailbox = Mailbox(tmp_path)
    (new / "1").write_text(mail)
    assert mailbox.count() == {(ADA, "ord_1x", "paid"): 1}
    (new / "2").write_text(mail)
    assert mailbox.count() == {(ADA, "ord_1x", "paid"): 2}

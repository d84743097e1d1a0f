"""One event makes one message and at most one mail, to the right person, in the right words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from apps.notifications import domain
from apps.notifications.contacts import RememberedContacts
from apps.notifications.domain import MAIL_LEASE, Kind, MailStatus, Message
from apps.notifications.ports import Facts
from apps.notifications.templates import JinjaTemplates, written
from apps.shared.money import Money
from tests.unit.fakes import NOON
from tests.unit.notifications.fakes import FakeUsers, NotificationsRoom

FACTS = Facts("ord_1", Money(123450, "USD"), "Only 1 of A&B left.")


class Room(NotificationsRoom):
    """A NotificationService with everything around it."""

    async def notify(self, event_id: str = "ord_1:paid", kind: Kind = Kind.ORDER_PAID, user_id: str = "usr_1") -> None:
        await self.service.notify(event_id=event_id, user_id=user_id, kind=kind, facts=FACTS)

    async def statuses(self) -> list[MailStatus]:
        messages, _ = await self.service.list_page("usr_1", before=None, limit=100)
        return [message.mail for message in messages]


def message(claim: str, status: MailStatus = MailStatus.SENDING) -> Message:
    return Message("ntf_1", "usr_1", "ord_1", Kind.ORDER_PAID, "t", "b", NOON, status, NOON, claim)


async def _die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def room() -> Room:
    return Room()


async def test_an_event_delivered_three_times_is_one_message_and_one_mail(room: Room) -> None:
    for _ in range(3):
        await room.notify()
    assert [(address, subject) for address, subject, _ in room.mail.sent] == [
        ("ada@plaza.example", "Your order is paid")
    ]
    assert await room.statuses() == [MailStatus.SENT]


async def test_two_deliveries_at_once_send_one_mail(room: Room) -> None:
    results = await asyncio.gather(*(room.notify() for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results if result] in ([], [domain.MailInProgress])
    assert len(room.mail.sent) == 1


async def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_delivery(room: Room) -> None:
    room.mail.broken = domain.MailRefused("ERR")
    with pytest.raises(domain.MailRefused):
        await room.notify()
    assert await room.statuses() == [MailStatus.FAILED]
    room.mail.broken = None
    for _ in range(2):
        await room.notify()
    assert len(room.mail.sent) == 1


async def test_a_mail_of_unknown_outcome_is_never_sent_again(room: Room) -> None:
    room.mail.broken = domain.MailUnanswered()
    await room.notify()
    assert await room.statuses() == [MailStatus.UNCONFIRMED]
    room.mail.broken = None
    for _ in range(2):
        room.clock.pass_time(seconds=MAIL_LEASE.total_seconds())
        await room.notify()
    assert room.mail.sent == []
    assert await room.statuses() == [MailStatus.UNCONFIRMED]


async def test_a_mail_whose_sender_died_with_it_is_never_sent_again(room: Room) -> None:
    room.mail.send = _die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.notify()
    del room.mail.send
    with pytest.raises(domain.MailInProgress):
        await room.notify()
    assert await room.statuses() == [MailStatus.SENDING]
    room.clock.pass_time(seconds=MAIL_LEASE.total_seconds())
    for _ in range(2):
        await room.notify()
    assert room.mail.sent == []
    assert await room.statuses() == [MailStatus.UNCONFIRMED]


@pytest.mark.parametrize("part", ["users", "turn", "claim"])
async def test_a_sender_that_dies_before_the_hand_over_has_promised_nothing(room: Room, part: str) -> None:
    dying = {"users": (room.users, "find_contact"), "turn": (room.mail, "turn"), "claim": (room.store, "claim")}[part]
    setattr(*dying, _die if part != "turn" else _dying_turn)
    with pytest.raises(KeyboardInterrupt):
        await room.notify()
    delattr(*dying)
    await room.notify()
    assert len(room.mail.sent) == 1
    assert await room.statuses() == [MailStatus.SENT]


@asynccontextmanager
async def _dying_turn() -> AsyncIterator[None]:
    raise KeyboardInterrupt
    yield


async def test_what_fails_before_the_hand_over_leaves_the_message_and_another_try(room: Room) -> None:
    room.users.broken = RuntimeError("users is away")
    with pytest.raises(RuntimeError, match="users is away"):
        await room.notify()
    assert await room.statuses() == [MailStatus.FAILED]
    room.users.broken = None
    await room.notify()
    assert (await room.statuses(), len(room.mail.sent)) == ([MailStatus.SENT], 1)


async def test_a_mail_costs_two_writes(room: Room) -> None:
    await room.notify()
    assert room.sidecar.calls == ["bulk", "transaction", "bulk", "transaction"]
    room.users.contacts.clear()
    room.sidecar.calls.clear()
    await room.notify("ord_2:paid")
    assert room.sidecar.calls == ["bulk", "transaction"]


async def test_a_store_that_is_away_for_a_moment_leaves_no_mail_unconfirmed(room: Room) -> None:
    room.sidecar.fail_next = {"bulk": 2, "transaction": 0}
    await room.notify()
    room.sidecar.fail_next = {"bulk": 0, "transaction": 2}
    await room.notify("ord_2:paid")
    assert (await room.statuses(), len(room.mail.sent)) == ([MailStatus.SENT] * 2, 2)

    async def send_and_lose_the_store(address: str, subject: str, html: str) -> None:
        room.sidecar.fail_next = {"bulk": 2, "transaction": 0}

    room.mail.send = send_and_lose_the_store  # type: ignore[method-assign]
    await room.notify("ord_3:paid")
    assert await room.statuses() == [MailStatus.SENT] * 3


async def test_a_claim_whose_answer_was_lost_is_this_deliverys_own(room: Room) -> None:
    room.sidecar.lose_next_answer = True
    await room.notify()
    assert (await room.statuses(), len(room.mail.sent)) == ([MailStatus.SENT], 1)


def test_word_from_the_one_who_claimed_counts_and_no_others() -> None:
    claimed = message("a")
    given_up = domain.claim_mail(claimed, replace(message("b"), mail_claimed_at=NOON + MAIL_LEASE))
    assert given_up == replace(claimed, mail=MailStatus.UNCONFIRMED)
    assert domain.note_mail(given_up, claimed, MailStatus.SENT).mail is MailStatus.SENT
    failed = domain.note_mail(given_up, claimed, MailStatus.FAILED)
    again = domain.claim_mail(failed, message("b"))
    assert again == message("b")
    assert domain.note_mail(again, claimed, MailStatus.FAILED) == again


async def test_a_person_who_is_gone_gets_no_mail_and_no_retries(room: Room) -> None:
    room.users.contacts.clear()
    for _ in range(2):
        await room.notify()
    assert room.mail.sent == []
    assert await room.statuses() == [MailStatus.UNDELIVERABLE]


async def test_messages_come_newest_first(room: Room) -> None:
    await room.notify("ord_1:confirmed", Kind.ORDER_CONFIRMED)
    await room.notify("ord_1:paid", Kind.ORDER_PAID)
    messages, rest = await room.service.list_page("usr_1", before=None, limit=1)
    assert [message.kind for message in messages] == [Kind.ORDER_PAID]
    messages, rest = await room.service.list_page("usr_1", before=rest, limit=1)
    assert ([message.kind for message in messages], rest) == ([Kind.ORDER_CONFIRMED], None)
    assert await room.service.list_page("usr_2", before=None, limit=1) == ([], None)


async def test_stored_messages_name_nobody(room: Room) -> None:
    await room.notify()
    messages, _ = await room.service.list_page("usr_1", before=None, limit=1)
    assert "Ada" not in messages[0].body + messages[0].title


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_words_and_escapes_names(kind: Kind) -> None:
    text = JinjaTemplates().render(kind, FACTS, name="Ada <b>")
    assert text.title
    assert "Ada &lt;b&gt;" in text.html
    assert "ord_1" in text.html
    if kind is Kind.ORDER_CANCELLED:
        assert "A&B left" in text.body
        assert "A&amp;B left" in text.html


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123450, "USD"), "1,234.50 USD"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(-150, "EUR"), "-1.50 EUR"),
        (Money(1500, "JPY"), "1,500 JPY"),
        (Money(1500, "KWD"), "1.500 KWD"),
    ],
)
def test_money_is_written_with_its_currencys_decimals(money: Money, text: str) -> None:
    assert written(money) == text


async def test_an_audit_asks_which_message_an_event_became(room: Room) -> None:
    await room.notify("ord_1:paid")
    found = await room.service.find_by_event(["ord_1:paid", "ord_2:paid"])
    assert list(found) == ["ord_1:paid", "ord_2:paid"]
    message = found["ord_1:paid"]
    assert message is not None
    assert (message.id, message.mail) == (domain.message_id("ord_1:paid"), MailStatus.SENT)
    assert found["ord_2:paid"] is None


async def test_an_event_is_told_once_its_mail_has_ended_or_it_lies_among_the_dead_letters(room: Room) -> None:
    await room.notify("ord_1:paid")
    await room.notify("ord_2:paid", user_id="usr_gone")
    room.mail.broken = domain.MailRefused("no connection")
    for event_id in ("ord_3:paid", "ord_4:paid"):
        with pytest.raises(domain.MailRefused):
            await room.notify(event_id)
    room.dead_letters.event_ids = {"ord_4:paid", "ord_5:paid"}
    asked = [f"ord_{number}:paid" for number in range(1, 7)]
    assert await room.service.told(asked) == {"ord_1:paid", "ord_2:paid", "ord_4:paid", "ord_5:paid"}


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (MailStatus.SENDING, False),
        (MailStatus.FAILED, False),
        (MailStatus.SENT, True),
        (MailStatus.UNCONFIRMED, True),
        (MailStatus.UNDELIVERABLE, True),
    ],
)
def test_which_mails_have_ended(status: MailStatus, ended: bool) -> None:
    assert status.has_ended is ended


async def test_a_contact_is_remembered_for_a_moment_but_not_that_there_is_none() -> None:
    now = 0.0
    users = FakeUsers()
    remembered = RememberedContacts(users, seconds=5.0, monotonic=lambda: now)
    ada = users.contacts.pop("usr_1")
    assert await remembered.find_contact("usr_1") is None
    users.contacts["usr_1"] = ada
    assert await remembered.find_contact("usr_1") == ada
    users.contacts["usr_1"] = renamed = ada.model_copy(update={"name": "Countess"})
    now = 4.9
    assert await remembered.find_contact("usr_1") == ada
    now = 5.0
    assert await remembered.find_contact("usr_1") == renamed
    del users.contacts["usr_1"]
    now = 10.0
    assert await remembered.find_contact("usr_1") is None

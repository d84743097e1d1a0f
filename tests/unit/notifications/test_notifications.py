"""One event makes one message and one mail, to the right person, in the right words."""

import asyncio
import traceback

import pytest

from apps.notifications import domain
from apps.notifications.domain import MAIL_LEASE, Kind, MailStatus, Message
from apps.notifications.mail import BindingMail
from apps.notifications.ports import Facts
from apps.notifications.service import NotificationService
from apps.notifications.store import DaprMessageStore
from apps.notifications.templates import JinjaTemplates, written
from apps.shared.contracts.users import Contact
from apps.shared.money import Money
from apps.shared.platform.sidecar import SidecarError
from tests.unit.fakes import NOON, FixedClock, MemorySidecar, memory_state

FACTS = Facts("ord_1", Money(123450, "USD"), "Only 1 of A&B left.")


class FakeUsers:
    def __init__(self) -> None:
        self.contacts = {"usr_1": Contact(user_id="usr_1", email="ada@plaza.example", name="Ada <b>")}

    async def find_contact(self, user_id: str) -> Contact | None:
        return self.contacts.get(user_id)


class FakeMail:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.broken: Exception | None = None

    async def send(self, address: str, subject: str, html: str) -> None:
        if self.broken:
            raise self.broken
        self.sent.append((address, subject, html))


class Room:
    def __init__(self) -> None:
        self.mail, self.clock, self.users = FakeMail(), FixedClock(), FakeUsers()
        self.service = NotificationService(
            store=DaprMessageStore(memory_state(MemorySidecar())),
            templates=JinjaTemplates(),
            users=self.users,
            mail=self.mail,
            clock=self.clock,
        )

    async def notify(self, event_id: str = "ord_1:paid", kind: Kind = Kind.ORDER_PAID, user_id: str = "usr_1") -> None:
        await self.service.notify(event_id=event_id, user_id=user_id, kind=kind, facts=FACTS)

    async def statuses(self) -> list[MailStatus]:
        messages, _ = await self.service.list_page("usr_1", before=None, limit=100)
        return [message.mail for message in messages]


def message() -> Message:
    return Message(
        "ntf_1", "usr_1", "ord_1", Kind.ORDER_PAID, "t", "b", NOON, mail=MailStatus.SENDING, mail_claimed_at=NOON
    )


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


async def test_a_mail_that_may_have_been_sent_is_left_alone_until_the_lease_is_over(room: Room) -> None:
    room.mail.broken = domain.MailUnanswered()
    with pytest.raises(domain.MailUnanswered):
        await room.notify()
    room.mail.broken = None
    with pytest.raises(domain.MailInProgress):
        await room.notify()
    assert await room.statuses() == [MailStatus.SENDING]
    room.clock.pass_time(seconds=MAIL_LEASE.total_seconds())
    await room.notify()
    assert len(room.mail.sent) == 1


def test_a_late_failure_does_not_undo_anothers_claim_or_success() -> None:
    first = message()
    second = domain.claim_mail(first, NOON + MAIL_LEASE)
    assert second is not None
    assert domain.note_mail(second, first, MailStatus.FAILED) == second
    sent = domain.note_mail(second, first, MailStatus.SENT)
    assert sent.mail is MailStatus.SENT
    assert domain.note_mail(sent, second, MailStatus.FAILED) == sent
    assert domain.note_mail(second, second, MailStatus.FAILED).mail is MailStatus.FAILED


async def test_a_delivery_that_died_while_sending_is_made_good_after_the_lease(room: Room) -> None:
    room.mail.send = _die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await room.notify()
    del room.mail.send
    with pytest.raises(domain.MailInProgress):
        await room.notify()
    room.clock.pass_time(seconds=MAIL_LEASE.total_seconds())
    await room.notify()
    assert len(room.mail.sent) == 1
    assert await room.statuses() == [MailStatus.SENT]


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


async def test_mails_are_handed_to_the_binding_one_at_a_time() -> None:
    class SharedStructBinding:
        """Keeps the latest recipient in one place, as the SMTP binding does."""

        def __init__(self) -> None:
            self.recipient = ""
            self.delivered: list[tuple[str, str]] = []

        async def create(self, data: str, metadata: dict[str, str]) -> None:
            self.recipient = metadata["emailTo"]
            await asyncio.sleep(0)
            self.delivered.append((self.recipient, data))

    binding = SharedStructBinding()
    mail = BindingMail(binding)
    await asyncio.gather(*(mail.send(f"{number}@x.example", "s", f"for {number}") for number in range(5)))
    assert binding.delivered == [(f"{number}@x.example", f"for {number}") for number in range(5)]


@pytest.mark.parametrize(("status", "kind"), [(500, domain.MailRefused), (0, domain.MailUnanswered)])
async def test_what_a_mail_server_says_about_an_address_goes_nowhere(
    status: int, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    class RefusingBinding:
        async def create(self, data: str, metadata: dict[str, str]) -> None:
            text = f"550 <{metadata['emailTo']}> unknown"
            raise SidecarError("POST /v1.0/bindings/email", status, "ERR_INVOKE_OUTPUT_BINDING", text)

    address = "@".join(("ada", "plaza.example"))
    with pytest.raises(kind) as caught:
        await BindingMail(RefusingBinding()).send(address, "s", "h")
    told = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "ERR_INVOKE_OUTPUT_BINDING" in told
    assert address not in told


async def test_an_audit_asks_which_message_an_event_became(room: Room) -> None:
    await room.notify("ord_1:paid")
    found = await room.service.find_by_event(["ord_1:paid", "ord_2:paid"])
    assert list(found) == ["ord_1:paid", "ord_2:paid"]
    message = found["ord_1:paid"]
    assert message is not None
    assert (message.id, message.mail) == (domain.message_id("ord_1:paid"), MailStatus.SENT)
    assert found["ord_2:paid"] is None

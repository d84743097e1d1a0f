"""Mails go to the binding one at a time, what became of one is told from its answer, and addresses go nowhere."""

import asyncio
import traceback

import pytest

from apps.notifications import domain
from apps.notifications.mail import BindingMail
from apps.shared.platform.sidecar import SidecarAbsent, SidecarError


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

    async def send(number: int) -> None:
        async with mail.turn():
            await mail.send(f"{number}@x.example", "s", f"for {number}")

    await asyncio.gather(*(send(number) for number in range(5)))
    assert binding.delivered == [(f"{number}@x.example", f"for {number}") for number in range(5)]


FAILED = "error invoking output binding email: error from smtp binding, sending email failed: "


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SidecarAbsent("POST", 0, "", "Cannot connect"), domain.MailRefused),
        (
            SidecarError("POST", 500, "E", FAILED + "dial tcp 127.0.0.1:25: connect: connection refused"),
            domain.MailRefused,
        ),
        (SidecarError("POST", 500, "E", FAILED + "535 5.7.8 no such account"), domain.MailRefused),
        (
            SidecarError("POST", 500, "E", FAILED + "gomail: could not send email 1: 550 5.1.1 unknown"),
            domain.MailRefused,
        ),
        (SidecarError("POST", 500, "E", FAILED + "gomail: could not send email 1: 451-try later"), domain.MailRefused),
        (SidecarError("POST", 500, "E", FAILED + "gomail: could not send email 1: EOF"), domain.MailUnanswered),
        (
            SidecarError("POST", 500, "E", FAILED + "gomail: could not send email 1: read tcp: reset"),
            domain.MailUnanswered,
        ),
        (SidecarError("POST", 500, "E", "some other provider's words"), domain.MailUnanswered),
        (SidecarError("POST", 0, "", "Server disconnected"), domain.MailUnanswered),
        (TimeoutError(), domain.MailUnanswered),
    ],
)
async def test_only_a_mail_that_surely_was_not_sent_is_refused(error: Exception, kind: type[Exception]) -> None:
    class FailingBinding:
        async def create(self, data: str, metadata: dict[str, str]) -> None:
            raise error

    with pytest.raises(kind):
        await BindingMail(FailingBinding()).send("ada@x.example", "s", "h")


@pytest.mark.parametrize(
    ("words", "kind"), [(FAILED + "gomail: could not send email 1: ", domain.MailRefused), ("", domain.MailUnanswered)]
)
async def test_what_a_mail_server_says_about_an_address_goes_nowhere(
    words: str, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    class RefusingBinding:
        async def create(self, data: str, metadata: dict[str, str]) -> None:
            text = f"{words}550 <{metadata['emailTo']}> unknown"
            raise SidecarError("POST /v1.0/bindings/email", 500, "ERR_INVOKE_OUTPUT_BINDING", text)

    address = "@".join(("ada", "plaza.example"))
    with pytest.raises(kind) as caught:
        await BindingMail(RefusingBinding()).send(address, "s", "h")
    told = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "ERR_INVOKE_OUTPUT_BINDING" in told
    assert address not in told

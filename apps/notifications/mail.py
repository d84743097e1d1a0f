"""Sends mail through the Dapr SMTP binding, one at a time, and lets no address into an error."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from apps.notifications.domain import MailRefused, MailUnanswered
from apps.shared.platform.sidecar import SidecarAbsent, SidecarError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10

_NOT_SENT = re.compile(
    r"sending email failed: (?!gomail: could not send email)"  # no connection, no TLS, no login
    r"|could not send email \d+: [45]\d\d[ -]"  # a server's own refusal (RFC 5321, 4.2)
)
"""What the SMTP binding (components-contrib 1.18.3, over gomail v2) says of mail that no server has taken. Anything else, such as `EOF`,
may as well have come after the mail was taken."""


class Binding(Protocol):
    async def create(self, data: str, metadata: dict[str, str]) -> None: ...


class BindingMail:
    """See `ports.Mail`.

    One at a time, because the binding writes each request's recipient into a struct that all requests share
    (components-contrib 1.18.3, bindings/smtp, mergeWithRequestMetadata): two at once could send one person's mail to another.
    What a mail server says about an address stays out of errors and logs.
    """

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise MailRefused("other mails took too long") from None
        try:
            yield
        finally:
            self._turn.release()

    async def send(self, address: str, subject: str, html: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._binding.create(html, {"emailTo": address, "subject": subject})
        except TimeoutError:
            raise MailUnanswered from None
        except SidecarError as error:
            log.warning("a mail was not sent, or not surely: %s %s", error.status or "no answer", error.code)
            if isinstance(error, SidecarAbsent) or _NOT_SENT.search(error.message):
                raise MailRefused(error.code or "no sidecar") from None
            raise MailUnanswered from None

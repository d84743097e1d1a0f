"""Sends mail through the Dapr SMTP binding, one at a time, and lets no address into an error."""

import asyncio
import logging
from typing import Protocol

from apps.notifications.domain import MailRefused, MailUnanswered
from apps.shared.platform.sidecar import SidecarError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 12


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

    async def send(self, address: str, subject: str, html: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._turn:
                await self._binding.create(html, {"emailTo": address, "subject": subject})
        except TimeoutError:
            raise MailUnanswered from None
        except SidecarError as error:
            log.warning("a mail was not sent: %s %s", error.status or "no answer", error.code)
            if not error.status:
                raise MailUnanswered from None
            raise MailRefused(error.code) from None

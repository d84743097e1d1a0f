"""Sends mail through the Dapr SMTP binding, one at a time."""

import asyncio
from typing import Protocol


class Binding(Protocol):
    async def create(self, data: str, metadata: dict[str, str]) -> None: ...


class BindingMail:
    """See `ports.Mail`.

    One at a time, because the binding writes each request's recipient into a struct that all requests share
    (components-contrib 1.18.3, bindings/smtp, mergeWithRequestMetadata): two at once could send one person's mail to another.
    """

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._turn = asyncio.Lock()

    async def send(self, address: str, subject: str, html: str) -> None:
        async with self._turn:
            await self._binding.create(html, {"emailTo": address, "subject": subject})

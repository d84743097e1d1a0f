"""Reads the mail sink of a local shop, a Maildir."""

import asyncio
from email import message_from_bytes, policy
from pathlib import Path


async def mails_to(directory: Path, address: str) -> list[str]:
    """The decoded text of each mail to `address`, headers included, in no particular order."""
    return await asyncio.to_thread(_read, directory, address)


def _read(directory: Path, address: str) -> list[str]:
    found = []
    for file in (directory / "new").glob("*"):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        if address in str(message["to"]):
            parts = [str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text"]
            found.append("\n".join([str(message["subject"]), *parts]))
    return found

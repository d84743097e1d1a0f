"""Reads the mail sink of a local shop, a Maildir."""

import asyncio
import re
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path


async def mails_to(directory: Path, address: str) -> list[str]:
    """The decoded text of each mail to `address`, headers included, in no particular order."""
    return await asyncio.to_thread(_read, directory, address)


class Mailbox:
    """All mails of the shop about orders, each read once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: set[Path] = set()
        self._about: dict[str, Counter[tuple[str, str]]] = {}

    async def about(self, order_id: str) -> Counter[tuple[str, str]]:
        """How often each mail about the order came, by address and the last word of its subject: `confirmed`, `paid`, `cancelled`."""
        await asyncio.to_thread(self._read_new)
        return self._about.get(order_id, Counter())

    def _read_new(self) -> None:
        for file in set((self._directory / "new").glob("*")) - self._seen:
            self._seen.add(file)
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = message.get_body()
            if body and (order := re.search(r"ord_\w+", body.get_content())):
                about = self._about.setdefault(order[0], Counter())
                about[str(message["to"]), str(message["subject"]).split()[-1]] += 1


def _read(directory: Path, address: str) -> list[str]:
    found = []
    for file in (directory / "new").glob("*"):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        if address in str(message["to"]):
            parts = [str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text"]
            found.append("\n".join([str(message["subject"]), *parts]))
    return found

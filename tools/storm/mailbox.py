"""Counts the mails that a shop has sent, by whom they went to and what they tell."""

import re
from email import message_from_bytes, policy
from pathlib import Path

from tools.storm.account import Mails, Telling

TITLES = {
    "Your order is confirmed": "confirmed",
    "Your order is paid": "paid",
    "Your order was cancelled": "cancelled",
    "Your order is on its way": "shipped",
}
_ORDER_ID = re.compile(r"Order (ord_\w+)")


class Mailbox:
    """A Maildir, each file of which is read once however often it is counted."""

    def __init__(self, directory: Path) -> None:
        self._new = directory / "new"
        self._read: dict[str, Telling] = {}

    def count(self) -> Mails:
        """How many mails there are now by address, order id and status."""
        for file in self._new.iterdir():
            if file.name not in self._read:
                self._read[file.name] = _read(file.read_bytes())
        return Mails(self._read.values())


def _read(raw: bytes) -> Telling:
    message = message_from_bytes(raw, policy=policy.default)
    parts = (part.get_content() for part in message.walk() if part.get_content_maintype() == "text")
    found = _ORDER_ID.search("\n".join(parts))
    return str(message["to"]), found.group(1) if found else "", TITLES.get(str(message["subject"]), "")

"""Reads the mail sink of a local shop, a Maildir, and puts other mail servers in its place."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import psutil
from aiosmtpd.controller import Controller

from tests.support.processes import killed_backend
from tools.local.ports import answers


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


@contextmanager
def mail_server_gone(run_json: dict[str, Any]) -> Iterator[int]:
    """Inside the block nobody listens on the port that it yields."""
    mail = run_json["backends"]["mail"]
    port: int = mail["port"]
    with killed_backend(run_json, "mail", psutil.Process(mail["pid"]).cmdline(), lambda: answers(port)):
        yield port


class RefusingServer:
    """Refuses each recipient with its address in the refusal, as servers do; `refused` are those."""

    def __init__(self) -> None:
        self.refused: set[str] = set()

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        self.refused.add(address)
        return f"550 5.1.1 <{address}> is unknown here"


class SlowServer:
    """Takes a mail and answers when it is `told` to; `taken` are the recipients of mails that are in its hands."""

    def __init__(self, *, breaks_off: bool = False) -> None:
        self.taken: list[str] = []
        self.told = False
        self._breaks_off = breaks_off

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken += envelope.rcpt_tos
        while not self.told:
            await asyncio.sleep(0.02)
        if self._breaks_off:
            server.transport.abort()
        return "250 taken"


@contextmanager
def mail_server(handler: Any, port: int) -> Iterator[None]:
    """`handler` serves on the port inside the block."""
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()

"""A NotificationService with everything around it: a person, a mail server that may fail, a store that may be away."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from apps.notifications.service import NotificationService
from apps.notifications.store import DaprMessageStore
from apps.notifications.templates import JinjaTemplates
from apps.shared.contracts.users import Contact
from apps.shared.platform.sidecar import SidecarError
from tests.unit.fakes import CountingIds, FixedClock, MemorySidecar, memory_state


class FakeUsers:
    def __init__(self) -> None:
        self.contacts = {"usr_1": Contact(user_id="usr_1", email="ada@plaza.example", name="Ada <b>")}
        self.broken: Exception | None = None

    async def find_contact(self, user_id: str) -> Contact | None:
        if self.broken:
            raise self.broken
        return self.contacts.get(user_id)


class FakeMail:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.broken: Exception | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        yield

    async def send(self, address: str, subject: str, html: str) -> None:
        if self.broken:
            raise self.broken
        self.sent.append((address, subject, html))


class FakeDeadLetters:
    def __init__(self) -> None:
        self.event_ids: set[str] = set()

    async def kept(self, event_ids: list[str]) -> frozenset[str]:
        return frozenset(self.event_ids.intersection(event_ids))


class FickleSidecar(MemorySidecar):
    """Fails the next calls of an operation; loses the answer to the next transaction, which is made."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_next: dict[str, int] = Counter()
        self.lose_next_answer = False

    async def call(self, method: str, path: str, *, json: Any = None, **rest: Any) -> Any:
        operation = path.rsplit("/", 1)[-1]
        if self.fail_next.get(operation, 0):
            self.fail_next[operation] -= 1
            raise SidecarError(f"{method} {path}", 500, "ERR_STATE_STORE", "away")
        answer = await super().call(method, path, json=json, **rest)
        if operation == "transaction" and self.lose_next_answer:
            self.lose_next_answer = False
            raise SidecarError(f"{method} {path}", 0, "", "Server disconnected")
        return answer


class NotificationsRoom:
    def __init__(self, sidecar: FickleSidecar | None = None) -> None:
        self.mail, self.clock, self.users, self.dead_letters = FakeMail(), FixedClock(), FakeUsers(), FakeDeadLetters()
        self.sidecar = sidecar or FickleSidecar()
        self.store = DaprMessageStore(memory_state(self.sidecar))
        self.service = NotificationService(
            store=self.store,
            templates=JinjaTemplates(),
            users=self.users,
            mail=self.mail,
            dead_letters=self.dead_letters,
            clock=self.clock,
            ids=CountingIds(),
        )

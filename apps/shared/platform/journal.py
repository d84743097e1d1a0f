"""Append-only lists of ids in pages, because Dapr's state API can neither list nor query.

The newest entries stand in the head document; a full head becomes a page. An append is one more document in the caller's transaction.
"""

from dataclasses import dataclass, field, replace

from apps.shared.platform.state import StateStore, Transaction

PAGE_SIZE = 100


@dataclass(frozen=True)
class Page:
    """Entries `number * PAGE_SIZE` onwards of a journal, oldest first."""

    entries: list[str] = field(default_factory=list)
    number: int = 0


def head_key(owner: str) -> str:
    """The document that a transaction must read to append to the journal of `owner`."""
    return f"journal/{owner}"


def page_key(owner: str, number: int) -> str:
    return f"journal/{owner}/{number}"


def append(transaction: Transaction, owner: str, entry: str) -> None:
    """Append `entry` to the journal of `owner`, whose `head_key` the round has read."""
    head = transaction.find(head_key(owner), Page) or Page()
    if len(head.entries) >= PAGE_SIZE:
        transaction.put_new(page_key(owner, head.number), head)
        head = Page(number=head.number + 1)
    transaction.put(head_key(owner), replace(head, entries=[*head.entries, entry]))


async def read_backwards(
    store: StateStore, owner: str, *, before: int | None, limit: int
) -> tuple[list[str], int | None]:
    """Up to `limit` entries, newest first, of those with a sequence number below `before` (None: from the newest).

    Returns the entries and the number to go on before, None at the beginning of the journal. Entries appended meanwhile
    do not shift the numbers.
    """
    head = await store.find(head_key(owner), Page) or Page()
    end = head.number * PAGE_SIZE + len(head.entries)
    position = end if before is None else min(before, end)
    entries: list[str] = []
    while position > 0 and len(entries) < limit:
        number = (position - 1) // PAGE_SIZE
        page = head if number == head.number else await store.find(page_key(owner, number), Page) or Page(number=number)
        start = number * PAGE_SIZE
        take = min(limit - len(entries), position - start)
        entries.extend(reversed(page.entries[position - start - take : position - start]))
        position -= take
    return entries, position or None


async def find_entry(store: StateStore, owner: str, position: int) -> str | None:
    """The entry with the sequence number `position`, the first being 0; None beyond the newest."""
    head = await store.find(head_key(owner), Page) or Page()
    number, offset = divmod(position, PAGE_SIZE)
    if number > head.number:
        return None
    page = head if number == head.number else await store.find(page_key(owner, number), Page) or Page()
    return page.entries[offset] if offset < len(page.entries) else None


async def read_all(store: StateStore, owner: str) -> list[str]:
    """Every entry, oldest first; for sweeps over small journals."""
    entries, _ = await read_backwards(store, owner, before=None, limit=1_000_000)
    return entries[::-1]

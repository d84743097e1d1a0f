"""What each client of a storm was promised, so that it can be held against what the shop has made of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.storm.plan import PlannedOrder

FINAL = ("paid", "cancelled")


@dataclass(slots=True)
class Promise:
    """What a client was answered under one key: `order_ids` by its 202s, which must all name one order."""

    planned: PlannedOrder
    email: str
    order_ids: set[str] = field(default_factory=set)
    cancel_accepted: bool = False
    complaint: str = ""


@dataclass(slots=True)
class KillRecord:
    """What a kill cost: `paid_seconds` is how long after it a probe order was paid; None if that never came about."""

    target: str
    came_back: bool = False
    paid_seconds: float | None = None


Telling = tuple[str, str, str]
"""To an address, about an order, that it has entered a status."""

Mails = Counter[Telling]
"""How many mails tell the same."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """All that is counted. `orders` by id and `stocks` by SKU are the shop's in the end, `owners` the addresses by order id.

    `planned` counts the orders that were to be placed, probes among them. `unconfirmed` are mails of which their own messages say that
    nobody knows whether they were sent. `audit` are the breaches of each invariant.
    """

    planned: int
    promises: Sequence[Promise]
    orders: Mapping[str, Mapping[str, Any]]
    owners: Mapping[str, str]
    stocks: Mapping[str, Mapping[str, int]]
    mails: Mails
    unconfirmed: frozenset[Telling]
    audit: Mapping[str, Sequence[str]]
    kills: Sequence[KillRecord]

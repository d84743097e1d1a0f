"""What a storm will do, drawn from its seed before it begins: the same seed makes the same plan, though never the same timing."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.local.stack import Stack

APPS = ("gateway", "users", "catalog", "carts", "orders", "inventory", "payments", "notifications", "checkout")
BACKENDS = ("placement", "scheduler", "sentry", "mail")

HOT_PRODUCTS = 8
SCARCE_SHARES = (0.35, 0.6, 0.85)
"""What share of the units that the plan demands there is of the first products; of the others there is enough."""

TOKENS = {
    "tok_visa": 76,
    "tok_chargeDeclined": 6,
    "tok_insufficientFunds": 2,
    "tok_fraud": 2,
    "tok_captureFails": 6,
    "tok_timeout": 8,
}
CANCELS_RUNNING, CANCELS_PAID = 0.10, 0.08
EDITS_CART = 0.15
GIVES_UP = 0.25
RETOLD = 0.25


@dataclass(frozen=True, slots=True)
class Target:
    """A process of the shop: `kind` is `app`, `daprd` or `backend`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "backend" else f"{self.kind} {self.name}"


def targets(servers: Sequence[str] = Stack().servers) -> tuple[Target, ...]:
    """Every process of a shop that stands on these servers."""
    return (
        *(Target("app", name) for name in APPS),
        *(Target("daprd", name) for name in APPS),
        *(Target("backend", name) for name in (*BACKENDS, *servers)),
    )


@dataclass(frozen=True, slots=True)
class Kill:
    """`pause_seconds` lie between the return of the one killed before and this kill."""

    target: Target
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """`lines` are product numbers and quantities. `patience_seconds` are how long the first tries wait for an answer, each before it is
    given up; the next ones wait for long. `retell` is how the order's events are told again: `twice`, `late`, `backwards` or not at all.
    """

    key: str
    lines: tuple[tuple[int, int], ...]
    token: str
    patience_seconds: tuple[float, ...] = ()
    edit_after_seconds: float | None = None
    cancel_after_seconds: float | None = None
    cancel_when_paid: bool = False
    retell: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`orders` by shopper; `stock` is how many units of each product come in."""

    seed: int
    orders: tuple[tuple[PlannedOrder, ...], ...]
    kills: tuple[Kill, ...]
    stock: tuple[int, ...]


def draw(*, seed: int, kills: int, orders: int, shoppers: int, servers: Sequence[str] = Stack().servers) -> Plan:
    """The plan of a seed: kills go through all processes in turn, each time shuffled anew, so that each is killed as often."""
    chance = random.Random(seed)
    by_shopper = tuple(
        tuple(_draw_order(chance) for _ in range(orders // shoppers + (number < orders % shoppers)))
        for number in range(shoppers)
    )
    demand: Counter[int] = Counter()
    for order in (order for planned in by_shopper for order in planned):
        for product, quantity in order.lines:
            demand[product] += quantity
    stock = tuple(
        max(1, int(demand[product] * share)) if share < 1 else max(1, int(demand[product] * share) + 10)
        for product, share in enumerate((*SCARCE_SHARES, *(2.0,) * (HOT_PRODUCTS - len(SCARCE_SHARES))))
    )
    return Plan(seed, by_shopper, tuple(_draw_kills(chance, kills, targets(servers))), stock)


def _draw_order(chance: random.Random) -> PlannedOrder:
    products = chance.sample(range(HOT_PRODUCTS), chance.choice((1, 1, 1, 2, 2, 3)))
    (token,) = chance.choices(list(TOKENS), weights=list(TOKENS.values()))
    gives_up = chance.random() < GIVES_UP
    patience = tuple(chance.uniform(0.01, 0.6) for _ in range(chance.randint(1, 3))) if gives_up else ()
    fate = chance.random()
    return PlannedOrder(
        key=f"{chance.getrandbits(128):032x}",
        lines=tuple((product, chance.randint(1, 2)) for product in products),
        token=token,
        patience_seconds=patience,
        edit_after_seconds=chance.uniform(0, 0.3) if chance.random() < EDITS_CART else None,
        cancel_after_seconds=chance.uniform(0, 2) if fate < CANCELS_RUNNING else None,
        cancel_when_paid=CANCELS_RUNNING <= fate < CANCELS_RUNNING + CANCELS_PAID,
        retell=chance.choice(("twice", "late", "backwards")) if chance.random() < RETOLD else "",
    )


def _draw_kills(chance: random.Random, count: int, victims: Sequence[Target]) -> Iterator[Kill]:
    deck: Sequence[Target] = ()
    for number in range(count):
        place = number % len(victims)
        if place == 0:
            deck = chance.sample(victims, len(victims))
        yield Kill(deck[place], chance.uniform(0.2, 3.0))

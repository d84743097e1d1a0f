"""The jobs of the bench, each beside the limit that its goal is a ratio to, and measured right after it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from apps.catalog.domain import Product
from apps.users.domain import User
from tools.bench.client import Http
from tools.bench.figures import Figure, figure_of
from tools.bench.limits import Limits
from tools.bench.load import Meter, Operation
from tools.bench.report import Result, row_of
from tools.bench.shopping import LINES, Shoppers
from tools.bench.stage import Stage
from tools.bench.usage import by_kind, cpu_seconds_by_process
from tools.local.processes import ProcessTable

CLIENTS = 16
WARM_UP = 40
FILL_AT_ONCE = 16


class WrongEnd(Exception):
    """Orders ended otherwise than they had to: what was measured is not the shop's work."""


@dataclass
class Bench:
    """One shop and one shop of limits, both running; `scale` shortens every job alike."""

    http: Http
    stage: Stage
    meter: Meter
    limit_meter: Meter
    limits: Limits
    products: list[Product]
    users: list[User]
    result: Result
    progress: Callable[[str], None]
    scale: float
    done: set[str] = field(default_factory=set)

    async def shoppers(self, count: int) -> Shoppers:
        """The first `count` accounts, made if need be, with fresh tokens."""
        if count > len(self.users):
            self.users += await self.stage.add_customers(count - len(self.users))
        shoppers = Shoppers(self.http, self.stage, self.users[:count], self.products)
        await shoppers.renew()
        return shoppers

    async def shop(
        self, name: str, operation: Operation, *, clients: int, warm_up: int = WARM_UP, **extent: float
    ) -> Figure:
        """Measure the shop itself; `extent` is `seconds` or `operations` at scale 1."""
        return await self._measured(self.meter, name, operation, clients=clients, warm_up=warm_up, **extent)

    async def limit(self, name: str, operation: Operation, *, clients: int, **extent: float) -> None:
        """Measure a limit, unless this run has it."""
        if name not in self.done:
            self.done.add(name)
            await self._measured(self.limit_meter, name, operation, clients=clients, warm_up=WARM_UP, **extent)

    def record(self, figure: Figure) -> Figure:
        self.result.figures[figure.name] = figure
        self.progress(row_of(figure))
        return figure

    async def _measured(
        self, meter: Meter, name: str, operation: Operation, *, clients: int, warm_up: int, **extent: float
    ) -> Figure:
        for number in range(warm_up):
            await operation(number)
        seconds = extent["seconds"] * self.scale if "seconds" in extent else None
        operations = self.count(extent["operations"]) if "operations" in extent else None
        figure = await meter.measure(
            name,
            operation,
            clients=clients,
            seconds=seconds,
            operations=operations,
            detailed=self.result.cpu_ms_by_process,
        )
        return self.record(figure)

    def count(self, at_full_scale: float) -> int:
        return max(1, round(at_full_scale * self.scale))


async def rest(table: ProcessTable, seconds: float) -> tuple[Figure, dict[str, float]]:
    """A figure whose operation is a second of rest, and the cores used by process."""
    before, began = cpu_seconds_by_process(table), time.perf_counter()
    await asyncio.sleep(seconds)
    after, took = cpu_seconds_by_process(table), time.perf_counter() - began
    used = {process: after[process] - before.get(process, 0.0) for process in after}
    cores = {process: value / took for process, value in used.items()}
    figure = figure_of(
        "IDLE",
        clients=0,
        latencies_ms=[0.0] * max(1, round(took)),
        seconds=took,
        used_seconds=by_kind(used),
        idle_cores={},
        measured_seconds=took,
        load_before=(0.0, 0.0, 0.0),
        load_after=(0.0, 0.0, 0.0),
    )
    return replace(figure, note="CPU ms a second of rest"), cores


async def browse(bench: Bench) -> None:
    shoppers = await bench.shoppers(1)
    await bench.limit("BARE", bench.limits.bare, clients=CLIENTS, seconds=3)
    await bench.limit("DIRECT", bench.limits.direct, clients=CLIENTS, seconds=3)
    await bench.limit("INVOKE", bench.limits.invoke, clients=CLIENTS, seconds=6)
    await bench.shop("PRODUCT", shoppers.read_product, clients=CLIENTS, seconds=8)
    await bench.shop("LIST", shoppers.list_products, clients=CLIENTS, seconds=8)


async def search(bench: Bench) -> None:
    shoppers = await bench.shoppers(1)
    await bench.limit("INVOKE", bench.limits.invoke, clients=CLIENTS, seconds=6)
    await bench.shop("SEARCH", shoppers.search, clients=CLIENTS, seconds=8)


async def cart(bench: Bench) -> None:
    shoppers = await bench.shoppers(200)
    await bench.limit("ACTOR", bench.limits.call_actor, clients=CLIENTS, seconds=6)
    await bench.shop("CART", shoppers.add_to_cart, clients=CLIENTS, operations=2 * 200 / bench.scale, warm_up=0)
    await _for_all(shoppers.empty_cart, 200)


async def checkout(bench: Bench) -> None:
    for clients, orders in ((1, 30), (8, 200), (32, 240)):
        await bench.limit(f"NOOP-{clients}", bench.limits.run_workflow, clients=clients, operations=orders * 1.5)
        await _orders(bench, f"CHECKOUT-{clients}", clients=clients, buyers=bench.count(orders), lines=LINES)


async def flash(bench: Bench) -> None:
    for buyers, units in ((500, 10), (2000, 2000)):
        buyers, units = bench.count(buyers), bench.count(units)
        bench.users = []  # who got nothing in the round before has those lines in the cart again
        product = await bench.stage.add_products(1, units=units)
        clients = min(buyers, 500) if units < buyers else 32
        name = f"FLASH-{500 if units < buyers else 2000}"
        ends = await _orders(bench, name, clients=clients, buyers=buyers, lines=1, products=product)
        expected = {"paid": units, **({"out_of_stock": buyers - units} if buyers > units else {})}
        if dict(ends) != expected:
            raise WrongEnd(f"{name}: {dict(ends)} where {expected} was to be")


async def _orders(
    bench: Bench, name: str, *, clients: int, buyers: int, lines: int, products: list[Product] | None = None
) -> dict[str, int]:
    """Has each of `buyers` order a cart that was filled before; how the orders ended."""
    shoppers = await bench.shoppers(buyers)
    wanted = products or bench.products
    await _for_all(lambda number: shoppers.fill_cart(number, wanted, lines), buyers)
    figure = await bench.shop(name, shoppers.check_out, clients=clients, operations=buyers / bench.scale, warm_up=0)
    if shoppers.busy:
        bench.result.figures[name] = replace(figure, note=f"{shoppers.busy} answers of 503 or 409, asked again")
    if products is None and set(shoppers.ends) != {"paid"}:
        raise WrongEnd(f"{name}: {dict(shoppers.ends)} where all were to be paid")
    return dict(shoppers.ends)


async def _for_all(work: Callable[[int], Awaitable[None]], count: int) -> None:
    turns = iter(range(count))

    async def one() -> None:
        for number in turns:
            await work(number)

    await asyncio.gather(*(one() for _ in range(FILL_AT_ONCE)))


JOBS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "BROWSE": browse,
    "SEARCH": search,
    "CART": cart,
    "CHECKOUT": checkout,
    "FLASH": flash,
}

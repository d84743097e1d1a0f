"""Whether the ten-thousandth checkout costs what the first one did: shops at a steady pace, and prints rate and CPU per checkout by tenth.

CPU milliseconds are those of all processes of the shop. A machine's own speed changes in half an hour, so a fixed piece of work, the
yardstick, is done now and then beside the shop. Exits 1 when the last tenth's rate is below 0.95 of the first's, each at the machine's
speed of then.
"""

import argparse
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from tools.bench.usage import KINDS, cpu_seconds
from tools.local.api import Api
from tools.local.home import Home
from tools.local.processes import ProcessTable
from tools.local.run_file import offset_of_another_shop
from tools.local.secret_file import first_admin
from tools.local.shop import Shop
from tools.local.shopper import ADDRESS, SETTLED
from tools.local.variant import vary

TENTHS = 10
WARM_UP_ORDERS = 100
LEAST_RATIO = 0.95
YARDSTICK_EVERY = 20
FIRST_PAUSE_SECONDS, PAUSE_GROWTH = 0.1, 1.5  # between looks at an order: a busy machine is not made busier by looking
SESSION_SECONDS = 600
ENVIRONMENT = {"GATEWAY_RATE_PER_MINUTE": "10000000", "GATEWAY_AUTH_RATE_PER_MINUTE": "10000000"}


@dataclass(frozen=True, slots=True)
class Mark:
    """The moment at which so many checkouts were done, and the CPU seconds that the shop had used by then, by kind of process.

    `yardstick_ms` is the CPU that the yardstick took since the mark before.
    """

    orders: int
    at: float
    cpu_seconds: dict[str, float]
    yardstick_ms: float = 0.0


@dataclass
class Progress:
    """Counts checkouts and marks each tenth."""

    table: ProcessTable
    orders: int
    marks: list[Mark] = field(default_factory=list)
    _done: int = 0
    _yardsticks_ms: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        self.marks.append(Mark(0, time.monotonic(), cpu_seconds(self.table)))

    def count(self) -> None:
        with self._lock:
            self._done += 1
            number = self._done
        measured = [yardstick_ms()] if number % YARDSTICK_EVERY == 0 else []  # nobody waits for it
        with self._lock:
            self._yardsticks_ms += measured
            if number * TENTHS // self.orders > (number - 1) * TENTHS // self.orders:
                yardstick = fmean(self._yardsticks_ms or [yardstick_ms()])
                self._yardsticks_ms.clear()
                self.marks.append(Mark(number, time.monotonic(), cpu_seconds(self.table), yardstick))
                print(row_of(*self.marks[-2:]), flush=True)


def yardstick_ms() -> float:
    """CPU milliseconds of a fixed piece of work, some ten: how slow the machine is at this moment, whatever the shop has stored."""
    began = time.thread_time()
    sum(number * number for number in range(100_000))
    return 1000 * (time.thread_time() - began)


def row_of(before: Mark, after: Mark) -> str:
    by_kind = " ".join(f"{cpu_ms(before, after, kind):>9.1f}" for kind in KINDS)
    figures = f"{rate(before, after):>8.2f} {cpu_ms(before, after):>8.1f} {after.yardstick_ms:>9.2f}"
    return f"{after.orders:>7} {figures} {by_kind}"


def rate(before: Mark, after: Mark) -> float:
    """Checkouts a second."""
    return (after.orders - before.orders) / (after.at - before.at)


def cpu_ms(before: Mark, after: Mark, kind: str | None = None) -> float:
    """CPU milliseconds a checkout, of one kind of process or of all."""
    kinds = [kind] if kind else KINDS
    used = sum(after.cpu_seconds[name] - before.cpu_seconds[name] for name in kinds)
    return 1000 * used / (after.orders - before.orders)


class Shopper:
    """A customer, who logs in again before the token ends."""

    def __init__(self, shop_url: str) -> None:
        self._guest = Api(shop_url)
        self._email, self._password = f"soak+{secrets.token_hex(6)}@plaza.example", secrets.token_urlsafe(15)
        account = {"email": self._email, "password": self._password, "name": "Soak Shopper"}
        self._guest.call("POST", "/auth/register", account, expect={201})
        self._log_in()

    def check_out(self, product_id: str) -> None:
        """One order, from the cart until it is paid."""
        if time.monotonic() > self._logged_in_at + SESSION_SECONDS:
            self._log_in()
        self._api.call("PUT", f"/api/v1/cart/items/{product_id}", {"quantity": 1}, expect={200})
        body = {"payment": {"provider": "sandbox", "token": "tok_visa"}, "shipping_address": ADDRESS}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        order = self._api.call("POST", "/api/v1/orders", body, expect={202}, headers=key).body
        pause = FIRST_PAUSE_SECONDS
        while order["status"] not in SETTLED:
            time.sleep(pause)
            pause *= PAUSE_GROWTH
            order = self._api.call("GET", f"/api/v1/orders/{order['id']}", expect={200}).body
        assert order["status"] == "paid", order

    def _log_in(self) -> None:
        self._api, self._logged_in_at = self._guest.logged_in(self._email, self._password), time.monotonic()


def new_product(admin: Api, *, quantity: int) -> str:
    product = {
        "sku": f"SOAK-{secrets.token_hex(4).upper()}",
        "name": "Evergreen",
        "description": "Sold over and over.",
        "category": "plants",
        "price": {"amount_minor": 990, "currency": "USD"},
    }
    made = admin.call("POST", "/api/v1/products", product, expect={201}).body
    receipt = {"warehouse": "east", "quantity": quantity}
    admin.call("POST", f"/api/v1/inventory/{made['sku']}/receipts", receipt, expect={201})
    return str(made["id"])


def soak(shop: Shop, *, orders: int, shoppers: int) -> list[Mark]:
    """Has `shoppers` at once place `orders` in all; the marks of each tenth, the beginning first."""
    admin = Api(shop.gateway_url).logged_in(**first_admin(shop.secrets))
    product_id = new_product(admin, quantity=orders + WARM_UP_ORDERS)
    progress = Progress(ProcessTable(shop.home.root), orders)

    with ThreadPoolExecutor(shoppers) as pool:
        people = list(pool.map(Shopper, [shop.gateway_url] * shoppers))

        def shop_on(turns: Iterator[int], *, counted: bool) -> None:
            def one(person: Shopper) -> None:
                while next(turns, None) is not None:
                    person.check_out(product_id)
                    if counted:
                        progress.count()

            try:
                list(pool.map(one, people))
            finally:
                deque(turns, maxlen=0)  # nobody begins another one when this is interrupted

        shop_on(iter(range(WARM_UP_ORDERS)), counted=False)
        progress.begin()
        shop_on(iter(range(orders)), counted=True)
    return progress.marks


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--shoppers", type=int, default=8)
    parser.add_argument("--retention", default="1h", help="how long completed workflows are kept")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the shop ends with it
    offset = offset_of_another_shop()
    with tempfile.TemporaryDirectory(prefix="plaza-soak-") as directory:
        source = vary(
            Path(directory) / "project",
            {"config/apps/*.yaml": (r"completed: \w+", f"completed: {arguments.retention}")},
        )
        home = Home(Path(directory) / "home")
        with Shop(home, progress=print, port_offset=offset, environment=ENVIRONMENT, source=source) as shop:
            print(
                f"{'orders':>7} {'rate/s':>8} {'CPU ms':>8} {'yardstick':>9} {' '.join(f'{kind:>9}' for kind in KINDS)}",
                flush=True,
            )
            marks = soak(shop, orders=arguments.orders, shoppers=arguments.shoppers)
    ratio = rate(marks[-2], marks[-1]) / rate(marks[0], marks[1])
    cpu_ratio = cpu_ms(marks[-2], marks[-1]) / cpu_ms(marks[0], marks[1])
    slower = marks[-1].yardstick_ms / marks[1].yardstick_ms
    print(
        f"the last tenth beside the first: rate {ratio:.3f}, CPU a checkout {cpu_ratio:.3f}, the yardstick's {slower:.3f}"
    )
    print(f"at the machine's speed of then: rate {ratio * slower:.3f}, CPU a checkout {cpu_ratio / slower:.3f}")
    return 0 if ratio * slower >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())

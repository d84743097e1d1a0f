"""Bounds how fast one client may ask, so that nobody can take the shop for himself or try passwords without end.

The buckets live in this process: each replica of the gateway counts by itself, so N replicas let through up to N times the rate.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A bucket after a request, which was let in when `wait_seconds` is 0; it is full again in `reset_seconds`."""

    limit: int
    remaining: int
    reset_seconds: int
    wait_seconds: int

    @property
    def refused(self) -> bool:
        return self.wait_seconds > 0

    def headers(self) -> dict[str, str]:
        """`RateLimit-*` as in draft-ietf-httpapi-ratelimit-headers-06, and `Retry-After` for a refusal."""
        shown = {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_seconds),
        }
        return {**shown, "retry-after": str(self.wait_seconds)} if self.refused else shown


class RateLimiter:
    """Token buckets by client: `per_minute` requests at once, refilled evenly over a minute.

    Holds at most `max_buckets`; the client that was silent longest is forgotten first.
    """

    def __init__(
        self, per_minute: int, *, now: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS
    ) -> None:
        self._limit, self._now, self._max = per_minute, now, max_buckets
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> Standing:
        """Count one request of `client`; a refused one costs nothing."""
        now, per_second = self._now(), self._limit / 60
        tokens, at = self._buckets.pop(client, (float(self._limit), now))
        tokens = min(self._limit, tokens + (now - at) * per_second)
        wait = 0 if tokens >= 1 else max(1, math.ceil((1 - tokens) / per_second))
        tokens = tokens if wait else tokens - 1
        self._buckets[client] = tokens, now
        if len(self._buckets) > self._max:
            self._buckets.popitem(last=False)
        return Standing(
            limit=self._limit,
            remaining=int(tokens),
            reset_seconds=math.ceil((self._limit - tokens) / per_second),
            wait_seconds=wait,
        )

    def __len__(self) -> int:
        return len(self._buckets)


def network_of(host: str) -> str:
    """What an IP address counts as: IPv4 itself, IPv6 its /64, which is what one customer of a provider commands."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)

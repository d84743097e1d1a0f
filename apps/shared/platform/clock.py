"""Time and identifiers from the outside world, so that the domain can take both as arguments."""

import secrets
import time
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80


class SystemClock:
    """The machine's clock; implements every service's `Clock` port."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)


class TimeOrderedIds:
    """Makes ids like `ord_01jx…`: 48 bits of Unix milliseconds, then 80 random bits, in Crockford base 32 (the ULID layout).

    Ids made in different milliseconds sort by time; two made in one millisecond differ, in no particular order.
    """

    def new(self, prefix: str) -> str:
        value = time.time_ns() // 1_000_000 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return f"{prefix}_" + "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))

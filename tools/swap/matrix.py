"""The stacks that are proven: every technology that we can run, and every two that have to do with each other."""

from collections.abc import Mapping
from dataclasses import dataclass

STACKS: Mapping[str, str] = {
    "default": "",
    "kafka": "PUBSUB=kafka SECRETS=vault CACHE=postgres NAMES=consul",
    "etcd-nats": "STATE=etcd PUBSUB=nats SECRETS=vault CACHE=postgres NAMES=consul",
    "etcd-kafka": "STATE=etcd PUBSUB=kafka",
    "redis": "STATE=redis SECRETS=vault NAMES=consul",
    "redis-nats": "STATE=redis PUBSUB=nats CACHE=postgres",
    "mix": "STACK=mix",
}
"""By name, the words that `make run` would be given. Stores with atomic transactions and stores with one writer meet every broker."""

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Suite:
    """Which tests are run on a stack, and for how long at most."""

    paths: tuple[str, ...]
    limit_seconds: float


WHOLE = Suite(("tests/e2e", "tests/integration", "tests/chaos/test_storm.py", "tests/swap/test_moving.py"), 2400)
RATE = Suite(("tests/swap/test_rate.py",), 300)
"""Measured when nothing else runs."""

SHORT = Suite(
    (
        "tests/e2e/test_journey.py",
        "tests/integration/test_audit.py::test_orders_that_ended_in_every_way_leave_a_clean_shop",
        "tests/integration/test_catalog.py::test_the_life_of_a_product",
        "tests/integration/test_one_writer.py",
        "tests/integration/test_walls.py",
    ),
    300,
)
"""What `make test` runs on a second stack."""

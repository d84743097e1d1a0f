"""Token buckets, to the request."""

from apps.gateway.limits import RateLimiter, Standing, network_of


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_bucket_empties_and_fills_evenly() -> None:
    clock = Clock()
    limiter = RateLimiter(3, now=clock)
    assert [limiter.take("a").remaining for _ in range(3)] == [2, 1, 0]
    refused = limiter.take("a")
    assert refused == Standing(limit=3, remaining=0, reset_seconds=60, wait_seconds=20)
    assert refused.headers()["retry-after"] == "20"
    clock.seconds += 19
    assert limiter.take("a").wait_seconds == 1
    clock.seconds += 1.001
    let_in = limiter.take("a")
    assert not let_in.refused
    assert "retry-after" not in let_in.headers()
    assert limiter.take("a").refused


def test_clients_do_not_share() -> None:
    limiter = RateLimiter(1, now=Clock())
    assert not limiter.take("a").refused
    assert not limiter.take("b").refused
    assert limiter.take("a").refused


def test_fast_limits_still_ask_to_wait_a_second() -> None:
    limiter = RateLimiter(600, now=Clock())
    standings = [limiter.take("a") for _ in range(601)]
    assert [standing.refused for standing in standings] == [False] * 600 + [True]
    assert standings[-1].wait_seconds == 1


def test_memory_is_bounded_and_the_silent_are_forgotten_first() -> None:
    limiter = RateLimiter(1, now=Clock(), max_buckets=2)
    for client in ("a", "b", "a", "c"):
        limiter.take(client)
    assert len(limiter) == 2
    assert limiter.take("a").refused
    assert not limiter.take("b").refused


def test_addresses_count_by_what_one_customer_commands() -> None:
    assert network_of("203.0.113.9") == "203.0.113.9"
    assert network_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert network_of("2001:db8:1:2:aaaa::1") == network_of("2001:db8:1:2:bbbb::2") == "2001:db8:1:2::/64"
    assert network_of("testclient") == "testclient"

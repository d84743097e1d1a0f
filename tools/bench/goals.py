"""What the bench holds its figures against: each goal is a ratio within one run, or a bound, since machines differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tools.bench.figures import Figure

Figures = Mapping[str, Figure]
Measure = Callable[[Figures], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """`measure` must be at most (`at_most`) or at least `bound`. It needs the figures named in `needs`."""

    job: str
    what: str
    needs: tuple[str, ...]
    measure: Measure
    bound: float
    at_most: bool = True
    unit: str = "×"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`measured` is None where the run lacked a figure that the goal needs."""

    goal: Goal
    measured: float | None

    @property
    def met(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured <= self.goal.bound if self.goal.at_most else self.measured >= self.goal.bound


def cpu_ratio(job: str, limit: str, what: str, bound: float) -> Goal:
    """The CPU of one operation of `job` beside that of `limit`."""
    return Goal(job, what, (job, limit), lambda figures: _ratio(figures[job].cpu_ms, figures[limit].cpu_ms), bound)


def rate_ratio(job: str, limit: str, what: str, bound: float) -> Goal:
    return Goal(
        job,
        what,
        (job, limit),
        lambda figures: _ratio(figures[job].rate, figures[limit].rate),
        bound,
        at_most=False,
    )


def p95(job: str, bound_ms: float) -> Goal:
    return Goal(job, "p95", (job,), lambda figures: figures[job].p95_ms, bound_ms, unit=" ms")


def goals(products: int) -> tuple[Goal, ...]:
    """All goals; that of SEARCH is wider above 10,000 products."""
    return (
        cpu_ratio("CHECKOUT-8", "NOOP-8", "CPU ÷ no-op workflow's", 1.6),
        rate_ratio("CHECKOUT-8", "NOOP-8", "rate ÷ no-op workflow's", 0.6),
        p95("CHECKOUT-8", 1000),
        Goal(
            "CHECKOUT-1",
            "time alone ÷ no-op workflow's",
            ("CHECKOUT-1", "NOOP-1"),
            lambda figures: _ratio(figures["CHECKOUT-1"].p50_ms, figures["NOOP-1"].p50_ms),
            2.0,
        ),
        cpu_ratio("PRODUCT", "INVOKE", "CPU ÷ bare invocation's", 1.2),
        p95("PRODUCT", 100),
        cpu_ratio("LIST", "INVOKE", "CPU ÷ bare invocation's", 2.0),
        p95("LIST", 100),
        cpu_ratio("SEARCH", "INVOKE", "CPU ÷ bare invocation's", 3.0 if products <= 10_000 else 4.0),
        cpu_ratio("CART", "ACTOR", "CPU ÷ actor call's", 1.5),
        rate_ratio("FLASH-2000", "CHECKOUT-32", "rate ÷ CHECKOUT's at 32", 0.8),
        Goal("IDLE", "CPU of one core", ("IDLE",), lambda figures: 100 * idle_cores(figures["IDLE"]), 15.0, unit=" %"),
    )


def memory_goals(by_process: Mapping[str, float]) -> tuple[Verdict, ...]:
    """Of all processes together, and of the largest service with its sidecar, in MiB."""
    services: dict[str, float] = {}
    for name, mib in by_process.items():
        kind, _, app_id = name.partition(" ")
        if kind in ("apps", "daprd"):
            services[app_id] = services.get(app_id, 0.0) + mib
    largest = max(services.items(), key=lambda item: item[1], default=("none", 0.0))
    return (
        Verdict(_memory_goal("all processes", 3072), sum(by_process.values())),
        Verdict(_memory_goal(f"largest service ({largest[0]}, with its sidecar)", 512), largest[1]),
    )


def soak_goal(ratio: float) -> Verdict:
    """Of the rate of a soak's last tenth to its first's."""
    goal = Goal("SOAK", "last tenth's rate ÷ first's", (), lambda _: ratio, 0.95, at_most=False)
    return Verdict(goal, ratio)


def judge(wanted: tuple[Goal, ...], figures: Figures) -> list[Verdict]:
    """Each goal beside what was measured."""
    return [
        Verdict(goal, goal.measure(figures) if all(name in figures for name in goal.needs) else None) for goal in wanted
    ]


def idle_cores(idle: Figure) -> float:
    """Of an IDLE figure, whose operation is one second of rest: how much of a core that took."""
    return idle.cpu_ms / 1000


def _memory_goal(what: str, bound_mib: float) -> Goal:
    return Goal("IDLE", what, (), lambda _: 0.0, bound_mib, unit=" MiB")


def _ratio(one: float, other: float) -> float:
    return one / other if other else float("inf")

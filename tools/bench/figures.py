"""The arithmetic of the bench: percentiles, rates and CPU an operation, from what was counted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Load = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. CPU is the shop's own, by kind of process, without what it uses at rest; the load generator's does not count."""

    name: str
    clients: int
    operations: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    cpu_ms_by_kind: Mapping[str, float] = field(default_factory=dict)
    load_before: Load = (0.0, 0.0, 0.0)
    load_after: Load = (0.0, 0.0, 0.0)
    note: str = ""

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds if self.seconds else 0.0


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that is not exceeded by `percent` of them (nearest rank); 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def figure_of(
    name: str,
    *,
    clients: int,
    latencies_ms: Sequence[float],
    seconds: float,
    used_seconds: Mapping[str, float],
    idle_cores: Mapping[str, float],
    measured_seconds: float,
    load_before: Load,
    load_after: Load,
    note: str = "",
) -> Figure:
    """`used_seconds` of CPU were used in `measured_seconds`, in which the work of `seconds` and what came of it were done."""
    operations = len(latencies_ms)
    by_kind = {
        kind: 1000 * (used - idle_cores.get(kind, 0.0) * measured_seconds) / operations if operations else 0.0
        for kind, used in used_seconds.items()
    }
    return Figure(
        name=name,
        clients=clients,
        operations=operations,
        seconds=seconds,
        p50_ms=percentile(latencies_ms, 50),
        p95_ms=percentile(latencies_ms, 95),
        p99_ms=percentile(latencies_ms, 99),
        cpu_ms=sum(by_kind.values()),
        cpu_ms_by_kind=by_kind,
        load_before=load_before,
        load_after=load_after,
        note=note,
    )

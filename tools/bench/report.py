"""The bench's result as a table for people and as JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.bench.figures import Figure
from tools.bench.goals import Verdict
from tools.bench.usage import KINDS


@dataclass
class Result:
    """All that one run has found."""

    command: str
    products: int
    figures: dict[str, Figure] = field(default_factory=dict)
    cpu_ms_by_process: dict[str, dict[str, float]] = field(default_factory=dict)
    memory_mib: dict[str, float] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)


def row_of(figure: Figure) -> str:
    """One line of Markdown."""
    kinds = " | ".join(f"{figure.cpu_ms_by_kind.get(kind, 0.0):.2f}" for kind in KINDS)
    load = f"{figure.load_before[0]:.1f} → {figure.load_after[0]:.1f}"
    return (
        f"| {figure.name} | {figure.clients} | {figure.operations} | {figure.rate:.1f} | {figure.p50_ms:.1f} | {figure.p95_ms:.1f} "
        f"| {figure.p99_ms:.1f} | **{figure.cpu_ms:.2f}** | {kinds} | {load} | {figure.note} |"
    )


HEAD = (
    f"| job | clients | operations | a second | p50 ms | p95 ms | p99 ms | CPU ms | {' | '.join(KINDS)} | load | |\n"
    f"| {' | '.join(['---'] * (10 + len(KINDS)))} |"
)


def written(result: Result) -> str:
    """Markdown."""
    parts = [f"`{result.command}`", "", HEAD, *(row_of(figure) for figure in result.figures.values())]
    if result.memory_mib:
        parts += ["", _memory(result.memory_mib)]
    parts += [f"{store}: {said}" for store, said in result.stores.items()]
    if result.verdicts:
        parts += ["", "| job | goal | measured | |", "| --- | --- | --- | --- |", *map(_verdict_row, result.verdicts)]
    parts += [f"compared with: {json.dumps(other)}" for other in result.others]
    return "\n".join(parts)


def as_json(result: Result) -> str:
    """Everything, the CPU by process included."""
    figures = {name: {**asdict(figure), "rate": figure.rate} for name, figure in result.figures.items()}
    verdicts = [
        {
            "job": verdict.goal.job,
            "what": verdict.goal.what,
            "bound": verdict.goal.bound,
            "measured": verdict.measured,
            "met": verdict.met,
        }
        for verdict in result.verdicts
    ]
    document = {
        "command": result.command,
        "products": result.products,
        "figures": figures,
        "goals": verdicts,
        "cpu_ms_by_process": result.cpu_ms_by_process,
        "memory_mib": result.memory_mib,
        "stores": result.stores,
        "compared": result.others,
    }
    return json.dumps(document, indent=1)


def _memory(by_process: Mapping[str, float]) -> str:
    largest: Sequence[tuple[str, float]] = sorted(by_process.items(), key=lambda item: -item[1])
    told = ", ".join(f"{name} {mib:.0f}" for name, mib in largest)
    return f"memory (PSS, MiB): {sum(by_process.values()):.0f} in all; {told}"


def _verdict_row(verdict: Verdict) -> str:
    goal = verdict.goal
    sign = "≤" if goal.at_most else "≥"
    measured = "not measured" if verdict.measured is None else f"{verdict.measured:.2f}{goal.unit}"
    word = {True: "met", False: "**not met**", None: ""}[verdict.met]
    return f"| {goal.job} | {goal.what} {sign} {goal.bound:g}{goal.unit} | {measured} | {word} |"

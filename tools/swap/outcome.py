"""Reads what pytest has written down of one stack, and writes the table of all."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.swap.matrix import DEFAULT

RATE = "checkouts_per_second"
"""The property under which a test records the rate of checkouts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one stack did; `wrong` names the tests that failed, or says why there is no result."""

    name: str
    words: str
    passed: int
    skipped: int
    wrong: tuple[str, ...]
    seconds: float
    rate: float | None = None

    @property
    def failed(self) -> int:
        return len(self.wrong)

    def and_then(self, later: "Outcome") -> "Outcome":
        """Both as one."""
        return Outcome(
            self.name,
            self.words,
            self.passed + later.passed,
            self.skipped + later.skipped,
            (*self.wrong, *later.wrong),
            self.seconds + later.seconds,
            later.rate,
        )


def read_outcome(report: Path, *, name: str, words: str, seconds: float, exit_code: int | None) -> Outcome:
    """From pytest's JUnit file; `exit_code` is None when the time was over. A run that ended without a result counts as failed."""
    wrong: list[str] = []
    skipped = cases = 0
    rate = None
    try:
        for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314  # our own pytest wrote it
            cases += 1
            if case.find("failure") is not None or case.find("error") is not None:
                wrong.append(f"{case.get('classname')}::{case.get('name')}")
            skipped += case.find("skipped") is not None
            for noted in case.iter("property"):
                if noted.get("name") == RATE:
                    rate = float(noted.get("value", ""))
    except (FileNotFoundError, ET.ParseError):
        pass
    passed = cases - skipped - len(wrong)
    if exit_code is None:
        wrong.append(f"broken off after {seconds:.0f} s")
    elif exit_code != 0 and not wrong:
        wrong.append(f"pytest ended with exit code {exit_code}")
    return Outcome(name, words, passed, skipped, tuple(wrong), seconds, rate)


def written(outcomes: Sequence[Outcome]) -> str:
    """The table, ready for docs/swaps.md, and below it every test that failed."""
    default = next((outcome.rate for outcome in outcomes if outcome.name == DEFAULT), None)
    lines = [
        "| stack | words | passed | failed | skipped | seconds | checkouts a second, as a ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(outcome, default) for outcome in outcomes),
    ]
    lines += [f"{outcome.name}: {test}" for outcome in outcomes for test in outcome.wrong]
    return "\n".join(lines)


def are_clean(outcomes: Iterable[Outcome]) -> bool:
    """Whether every stack ran to its end and passed something, with no failure."""
    return all(outcome.passed and not outcome.wrong for outcome in outcomes)


def _row(outcome: Outcome, default: float | None) -> str:
    ratio = f"{outcome.rate / default:.2f}" if outcome.rate and default else "–"
    words = f"`{outcome.words}`" if outcome.words else ""
    cells = (outcome.name, words, outcome.passed, outcome.failed, outcome.skipped, f"{outcome.seconds:.0f}", ratio)
    return f"| {' | '.join(map(str, cells))} |"

"""A storm's result as Markdown: what was done, what was counted, and how long the shop took to recover from each kind of kill."""

import statistics
from collections.abc import Mapping, Sequence

from tools.storm.account import KillRecord
from tools.storm.tally import Tally

MOST_NAMED = 10


def written(
    tally: Tally,
    *,
    kills: Sequence[KillRecord],
    seconds: float,
    retold: int,
    lost: int,
    begun_again: int,
    statuses: Mapping[int, int],
    unconfirmed: int,
    command: str,
) -> str:
    """Ready to be pasted into docs/reliability.md."""
    rows = [
        ("orders accepted", str(tally.accepted)),
        ("paid", str(tally.paid)),
        *((f"cancelled: {code}", str(number)) for code, number in sorted(tally.cancelled.items())),
        ("requests without an answer, repeated", str(statuses.get(0, 0))),
        ("answers of 5xx, repeated", str(sum(number for status, number in statuses.items() if status >= 500))),
        ("events told again by the storm", str(retold)),
        ("events told again by the shop, since nobody had heard them", str(lost)),
        ("sagas begun again by the shop, since they stood still or had broken off", str(begun_again)),
        ("mails known to be unconfirmed", str(unconfirmed)),
        ("processes killed", str(len(kills))),
        ("seconds", f"{seconds:.0f}"),
        ("checkouts a second", f"{tally.accepted / seconds:.1f}"),
        *((f"**{wrong.name}**", f"**{len(wrong.found)}**") for wrong in tally.wrongs),
    ]
    lines = [f"`{command}`", "", "| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    if kills:
        lines += ["", *_recovery(kills)]
    for wrong in tally.wrongs:
        lines += [f"{wrong.name}: {case}" for case in wrong.found[:MOST_NAMED]]
        if len(wrong.found) > MOST_NAMED:
            lines.append(f"{wrong.name}: and {len(wrong.found) - MOST_NAMED} more")
    return "\n".join(lines)


def _recovery(kills: Sequence[KillRecord]) -> list[str]:
    lines = [
        "| killed | kills | median seconds until an order is paid | worst |",
        "| --- | --- | --- | --- |",
    ]
    for target in sorted({kill.target for kill in kills}):
        of_kind = [kill for kill in kills if kill.target == target]
        paid = [kill.paid_seconds for kill in of_kind if kill.paid_seconds is not None]
        times = f"{statistics.median(paid):.1f} | {max(paid):.1f}" if paid else "never | never"
        lines.append(f"| {target} | {len(of_kind)} | {times} |")
    return lines

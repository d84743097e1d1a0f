"""Audits the shop that runs here: prints a table, and exits 1 on any breach, 2 when the shop cannot be asked."""

import argparse
import sys
import time
from datetime import UTC, datetime, timedelta

from tools.audit.gathering import gather
from tools.audit.invariants import INVARIANTS, Report, confirmed, examine
from tools.local.api import Api, admin_of
from tools.local.errors import LocalError
from tools.local.home import Home

BETWEEN_LOOKS_SECONDS = 1.0


def audit(api: Api, *, grace: timedelta) -> Report:
    """What is wrong in a shop that may be at work: a breach counts when a second look finds it too. Raises LocalError."""
    first = _look(api, grace)
    if not first.breaches and not first.not_compared:
        return first
    time.sleep(BETWEEN_LOOKS_SECONDS)
    return confirmed(first, _look(api, grace))


def _look(api: Api, grace: timedelta) -> Report:
    facts = gather(api)
    return examine(facts, now=datetime.now(UTC), grace=grace)


def written(report: Report) -> str:
    """The table, and below it what is no breach and worth knowing, then a line for each breach."""
    width = max(len(invariant.statement) for invariant in INVARIANTS)
    lines = [f"{'invariant':{width}}  {'checked':>8}  {'breaches':>8}"]
    for invariant in INVARIANTS:
        count = sum(breach.kind is invariant.kind for breach in report.breaches)
        lines.append(f"{invariant.statement:{width}}  {report.checked[invariant.kind]:8}  {count:8}")
    if report.not_compared:
        lines.append(f"sums not compared, since the stock moved meanwhile: {', '.join(sorted(report.not_compared))}")
    if report.unconfirmed:
        lines.append(f"{len(report.unconfirmed)} mails unconfirmed: {', '.join(sorted(report.unconfirmed))}")
    lines += [f"{breach.kind}: {breach.subject}: {breach.detail}" for breach in report.breaches]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    parser.add_argument(
        "--grace-seconds", type=float, default=60, help="what is younger may still be on its way (default: 60)"
    )
    options = parser.parse_args(arguments)
    try:
        api = admin_of(Home.from_environment())
        report = audit(api, grace=timedelta(seconds=options.grace_seconds))
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 2
    print(written(report))
    return 1 if report.breaches else 0


if __name__ == "__main__":
    sys.exit(main())

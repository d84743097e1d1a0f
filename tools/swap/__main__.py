"""Runs the tests on each stack of the matrix and prints a table: exits 1 on any failure, 2 on a stack that nobody knows or can obtain."""

import argparse
import sys

from tools.local.errors import LocalError
from tools.local.home import PROJECT
from tools.local.interrupts import interrupt_once
from tools.local.run_file import chosen_stack
from tools.local.servers import obtain_servers
from tools.swap.matrix import RATE, SHORT, STACKS, WHOLE
from tools.swap.outcome import Outcome, are_clean, written
from tools.swap.run import run_stacks

AT_ONCE = 2
"""Stacks whose tests run side by side: they wait for much of their time."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.swap", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="run the few tests that `make test` runs on a second stack"
    )
    parser.add_argument("stacks", nargs="*", metavar="STACK", help=f"of {', '.join(STACKS)}; all unless given")
    options = parser.parse_args(arguments)
    chosen = options.stacks or list(STACKS)
    if unknown := [name for name in chosen if name not in STACKS]:
        print(f"plaza: no stack is called {unknown[0]}: choose from {', '.join(STACKS)}.", file=sys.stderr)
        return 2
    interrupt_once()
    stacks = {name: STACKS[name] for name in chosen}
    outcomes: dict[str, Outcome] = {}
    try:
        # Time to obtain a server is no test's: it is bounded by itself.
        for words in stacks.values():
            obtain_servers(chosen_stack(PROJECT / "dapr.yaml", words.split()), print)
        for suite, at_once in ((SHORT, 1),) if options.short else ((WHOLE, AT_ONCE), (RATE, 1)):
            for outcome in run_stacks(stacks, suite, at_once=at_once, progress=_tell):
                earlier = outcomes.get(outcome.name)
                outcomes[outcome.name] = earlier.and_then(outcome) if earlier else outcome
                _tell(f"{outcome.name}: {outcome.passed} passed, {outcome.failed} failed, {outcome.seconds:.0f} s")
        table = [outcomes[name] for name in chosen]
        print(f"\n{written(table)}", flush=True)
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if are_clean(table) else 1


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Runs the tests on each stack of the matrix and prints a table: exits 1 on any failure, 2 on a stack that nobody knows or can obtain."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tools.local.errors import LocalError
from tools.local.home import PROJECT
from tools.local.interrupts import interrupt_once
from tools.local.run_file import chosen_stack
from tools.local.servers import obtain_servers
from tools.swap.matrix import SHORT, STACKS, WHOLE
from tools.swap.outcome import are_clean, written
from tools.swap.run import run_stack


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
    outcomes = []
    try:
        for number, name in enumerate(chosen, start=1):
            print(f"\n{number} of {len(chosen)}: {name}  {STACKS[name]}", flush=True)
            # Time to obtain a server is no test's: it is bounded by itself.
            obtain_servers(chosen_stack(PROJECT / "dapr.yaml", STACKS[name].split()), print)
            directory = Path(tempfile.mkdtemp(prefix="plaza-swap-"))
            outcome = run_stack(name, STACKS[name], SHORT if options.short else WHOLE, directory)
            outcomes.append(outcome)
            if outcome.wrong:
                print(f"\nThe shops of {name} are kept: {directory}")
            else:
                shutil.rmtree(directory)
            print(f"\n{written(outcomes)}", flush=True)
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if are_clean(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())

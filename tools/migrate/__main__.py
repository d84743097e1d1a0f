"""`make migrate FROM=postgres TO=etcd`: moves the shop that is stopped here, and leaves it stopped, on its new store."""

import argparse
import sys

from tools.local.commands import Console
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.interrupts import interrupt_once
from tools.local.ports import port_from_environment
from tools.local.stack import CHOICES
from tools.migrate.move import Move, moved


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.migrate", description=__doc__)
    parser.add_argument("--from", dest="source", choices=CHOICES["state"], required=True)
    parser.add_argument("--to", dest="target", choices=CHOICES["state"], required=True)
    parser.add_argument(
        "words", nargs="*", metavar="WORD=TECHNOLOGY", help="the rest of the shop's stack: PUBSUB=kafka"
    )
    options = parser.parse_args(arguments)
    interrupt_once()
    console = Console()
    try:
        offset = port_from_environment("PLAZA_PORT_OFFSET") or 0
        move = Move(Home.from_environment(), options.source, options.target, tuple(options.words), offset)
        with moved(move, progress=console):
            console("stopping")
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"plaza: interrupted; STATE={options.source} is as it was", file=sys.stderr)
        return 130
    print(
        f"\nThe shop has moved. From now on:  make run STATE={options.target}\nSTATE={options.source} is as it was: start it no more."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

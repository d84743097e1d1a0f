"""Lists the events that consumers of the running shop could not handle, and replays them; exits 1 while any waits, 2 without a shop."""

import argparse
import sys
from typing import Any

from tools.local.api import Api, admin_of
from tools.local.errors import LocalError
from tools.local.home import Home

CONSUMERS = ("inventory", "carts", "notifications")
DEAD_LETTERS = "/api/v1/audit/dead-letters"
COLUMNS = ("consumer", "id", "arrived_at", "type", "event_id")
ALL = "all"

Letter = dict[str, Any]


def waiting(api: Api) -> list[Letter]:
    """The letters that nobody has replayed with success, oldest first within each consumer. Raises LocalError."""
    letters = []
    for consumer in CONSUMERS:
        found = [{**letter, "consumer": consumer} for letter in api.pages(f"{DEAD_LETTERS}/{consumer}")]
        letters += [letter for letter in reversed(found) if letter["handled_at"] is None]
    return letters


def replay(api: Api, letter: Letter) -> str:
    """Why its consumer refuses the letter again; empty when it was handled."""
    try:
        api.call("POST", f"{DEAD_LETTERS}/{letter['consumer']}/{letter['id']}/replay", expect={200})
    except LocalError as error:
        return str(error)
    return ""


def written(letters: list[Letter]) -> str:
    """A table with a line for each letter."""
    rows = [COLUMNS, *(tuple(str(letter[column]) for column in COLUMNS) for letter in letters)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deadletters", description=__doc__)
    parser.add_argument(
        "--replay",
        metavar="ID",
        help=f"give this letter (its id, or that of its event) to its consumer again, or '{ALL}'",
    )
    options = parser.parse_args(arguments)
    try:
        api = admin_of(Home.from_environment())
        letters = waiting(api)
        if options.replay:
            wanted = [one for one in letters if options.replay in (ALL, one["id"], one["event_id"])]
            if not wanted and options.replay != ALL:
                raise LocalError(f"No dead letter {options.replay} waits.")
            for letter in wanted:
                refusal = replay(api, letter)
                print(f"{letter['consumer']} {letter['id']}: {refusal or 'handled'}")
            letters = waiting(api)
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 2
    print(written(letters) if letters else "No dead letter waits.")
    return 1 if letters else 0


if __name__ == "__main__":
    sys.exit(main())

"""Lists the events that consumers of the running shop could not handle, replays or discards them; exits 1 while any waits, 2 on no shop."""

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
    """What became of the letter: `handled`, or why its consumer refuses it again."""
    try:
        api.call("POST", f"{_path(letter)}/replay", expect={200})
    except LocalError as error:
        return str(error)
    return "handled"


def discard(api: Api, letter: Letter) -> str:
    """Forget the letter for good. Raises LocalError."""
    api.call("DELETE", _path(letter), expect={204})
    return "discarded"


def _path(letter: Letter) -> str:
    return f"{DEAD_LETTERS}/{letter['consumer']}/{letter['id']}"


def written(letters: list[Letter]) -> str:
    """A table with a line for each letter."""
    rows = [COLUMNS, *(tuple(str(letter[column]) for column in COLUMNS) for letter in letters)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deadletters", description=__doc__)
    chosen = f"the letter of this id, or those of the event of this id, or '{ALL}'"
    parser.add_argument("--replay", metavar="ID", help=f"give to its consumer again: {chosen}")
    parser.add_argument("--discard", metavar="ID", help=f"forget for good: {chosen}")
    options = parser.parse_args(arguments)
    try:
        api = admin_of(Home.from_environment())
        letters = waiting(api)
        for identifier, deed in ((options.replay, replay), (options.discard, discard)):
            if not identifier:
                continue
            wanted = [one for one in letters if identifier in (ALL, one["id"], one["event_id"])]
            if not wanted and identifier != ALL:
                raise LocalError(f"No dead letter {identifier} waits.")
            for letter in wanted:
                print(f"{letter['consumer']} {letter['id']}: {deed(api, letter)}")
            letters = waiting(api)
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 2
    print(written(letters) if letters else "No dead letter waits.")
    return 1 if letters else 0


if __name__ == "__main__":
    sys.exit(main())

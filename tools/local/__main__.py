"""The entry point behind the Makefile: reads the command, and turns a failure into one line and an exit code."""

import argparse
import errno
import sys
from collections.abc import Callable, Mapping, Sequence

from tools.local import commands
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.interrupts import interrupt_once

COMMANDS: Mapping[str, Callable[[Home, Sequence[str]], None]] = {
    "run": commands.run,
    "backends": commands.backends,
    "doctor": commands.doctor,
    "stop": commands.stop,
    "reset": commands.reset,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.local", description="Plaza on one machine.")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("words", nargs="*", metavar="WORD=TECHNOLOGY", help="for example PUBSUB=kafka STATE=etcd")
    options = parser.parse_args()
    interrupt_once()
    home = Home.from_environment()
    try:
        COMMANDS[options.command](home, options.words)
    except LocalError as error:
        print(f"plaza: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"plaza: the disk of {home.root} is full: free some space, then run again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

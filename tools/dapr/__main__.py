"""`python -m tools.dapr` prints the directory of Dapr's programs and nothing else; all the rest goes to stderr."""

import signal
import sys
from types import FrameType

from tools.dapr.pinning import write_pins
from tools.dapr.ways import obtain
from tools.obtain.errors import ObtainError
from tools.obtain.host import this_host

USAGE = "usage: python -m tools.dapr [pin [RUNTIME_VERSION [CLI_VERSION]]]"


def main(arguments: list[str]) -> int:
    # A plain SIGTERM would end Python at once and leave the build running: unwind as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if not arguments:
            print(obtain(_tell).directory)
        elif arguments[0] == "pin" and len(arguments) <= 3:
            write_pins(arguments[1:], host=this_host(), progress=_tell)
        else:
            _tell(USAGE)
            return 2
    except (ObtainError, ValueError) as error:
        _tell(str(error))
        return 1
    except KeyboardInterrupt:
        _tell("interrupted; nothing half-made was left behind")
        return 130
    return 0


def _tell(line: str) -> None:
    print(f"dapr: {line}", file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

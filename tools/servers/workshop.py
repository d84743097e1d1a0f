"""What the making of a server is given: where to work, whom to tell, and how long it may take."""

from dataclasses import dataclass
from pathlib import Path

from tools.obtain.errors import Progress
from tools.obtain.host import Host
from tools.obtain.limits import Limits

LOCKS = Path(__file__).parent


@dataclass(frozen=True)
class Workshop:
    """`scratch` goes when the making ends; `deadline` is a `time.monotonic()` moment."""

    scratch: Path
    log: Path
    host: Host
    limits: Limits
    deadline: float
    progress: Progress

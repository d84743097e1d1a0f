"""Turns the first Ctrl-C, or the first polite request to end, into a KeyboardInterrupt, and ignores all later ones."""

import signal
from types import FrameType


def interrupt_once() -> None:
    """What ends a shop must not be interrupted by an impatient second Ctrl-C."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt

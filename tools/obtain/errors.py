"""What every way to a program has in common: how it tells of progress, and of its failure."""

from collections.abc import Callable

Progress = Callable[[str], None]


class ObtainError(Exception):
    """No way led to the programs. The message is one line: what is wrong and what to do about it."""

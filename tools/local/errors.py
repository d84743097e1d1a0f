"""The one kind of failure that a person at the keyboard is meant to read: a line that says what to do."""


class LocalError(Exception):
    """The shop cannot go on; the message is one line for the console and the exit code is 1."""

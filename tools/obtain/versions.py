"""Reads and writes versions; a release candidate or `edge` is none, because Plaza was tried with releases."""

import re

Version = tuple[int, int, int]


def parse_version(text: str) -> Version | None:
    """The first `1.2.3` in a program's answer."""
    match = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)\b(?!-(?:rc|alpha|beta))", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def require_version(text: str) -> Version:
    """Raises: ValueError."""
    version = parse_version(text)
    if version is None:
        raise ValueError(f"{text!r} is no version such as 1.18.2")
    return version


def version_text(version: Version | None) -> str:
    return ".".join(str(part) for part in version) if version else "of no known version"

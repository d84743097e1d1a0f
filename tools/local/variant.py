"""The same shop with another setting in its files: a view of the project for tests and measurements that cannot wait for hours."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.local.home import DEFAULT_HOME, PROJECT
from tools.local.run_file import COPIED_DIRECTORIES


def vary(directory: Path, changes: Mapping[str, tuple[str, str]]) -> Path:
    """The run file of a view of the project in `directory`, which must be empty.

    `changes` has by glob (`config/apps/*.yaml`) a pattern and its replacement, made in each file that it names. Raises: LookupError when a
    file has no such pattern.
    """
    directory.mkdir(exist_ok=True)
    for entry in PROJECT.iterdir():
        if entry.name in COPIED_DIRECTORIES:
            shutil.copytree(entry, directory / entry.name)
        elif entry.name not in (DEFAULT_HOME.name, ".git"):
            (directory / entry.name).symlink_to(entry)
    for glob, (pattern, replacement) in changes.items():
        for file in directory.glob(glob):
            text, made = re.subn(pattern, replacement, file.read_text())
            if not made:
                raise LookupError(f"{file} has no {pattern!r}")
            if file.is_symlink():
                file.unlink()  # what it points to is the project's own
            file.write_text(text)
    return directory / "dapr.yaml"

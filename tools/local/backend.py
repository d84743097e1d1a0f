"""What every back end of the local shop has in common: a command, a log, and a sign of life."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.local.errors import LocalError
from tools.local.home import PROJECT
from tools.local.logs import last_lines
from tools.local.processes import ProcessTable
from tools.local.waiting import wait_until

TAKEN_OVER_WITHIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Backend:
    """One process beside the apps; `details` is what run.json says of it besides the pid."""

    name: str
    command: Sequence[str]
    log: Path
    is_ready: Callable[[], bool]
    details: Mapping[str, object]
    ready_within_seconds: float = 30.0

    def start(self, table: ProcessTable, environment: Mapping[str, str]) -> psutil.Process:
        """Starts it, or takes over the one that already runs for this home; returns once it is ready.

        Raises: LocalError with the end of its log when it ends early or is not ready in time.
        """
        if running := table.find(self.name):
            wait_until(
                self.is_ready, timeout_seconds=TAKEN_OVER_WITHIN_SECONDS, otherwise=lambda: self._elsewhere(running)
            )
            return running
        child = table.start(self.name, self.command, log=self.log, environment=environment, directory=PROJECT)
        wait_until(
            lambda: self._is_ready_or_dead(child), timeout_seconds=self.ready_within_seconds, otherwise=self._not_ready
        )
        return psutil.Process(child.pid)

    def last_words(self) -> str:
        """The end of its log, where the reason stands when it ended."""
        return f"{' / '.join(last_lines(self.log, 3)) or 'it said nothing'} ({self.log})"

    def _is_ready_or_dead(self, child: "subprocess.Popen[bytes]") -> bool:
        if child.poll() is not None:
            raise LocalError(f"{self.name} ended at once (exit code {child.returncode}): {self.last_words()}")
        return self.is_ready()

    def _elsewhere(self, running: psutil.Process) -> str:
        return f"{self.name} (pid {running.pid}) runs already but not on the ports wanted now: run 'make stop', then again."

    def _not_ready(self) -> str:
        return f"{self.name} was not ready after {self.ready_within_seconds:.0f} s: {self.last_words()}"

"""Runs the tests on stacks, each in a process of its own with a time limit, and leaves nothing of them running."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.local.home import PROJECT, Home
from tools.local.stopping import stop_everything
from tools.swap.matrix import Suite
from tools.swap.outcome import Outcome, read_outcome

LOOK_EVERY_SECONDS = 0.5
TELL_EVERY_SECONDS = 30.0
TEARDOWN_SECONDS = 90


def run_stacks(
    stacks: Mapping[str, str], suite: Suite, *, at_once: int, progress: Callable[[str], None]
) -> Iterator[Outcome]:
    """The outcome of each stack (its words by its name) once it is over. The homes of shops that failed stay, with their logs.

    Where one has failed, what pytest wrote is told, and in any case how far each has come.
    """
    waiting, running = list(stacks.items()), list[_Run]()
    told_at = time.monotonic()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_Run.begin(*waiting.pop(0), suite))
            time.sleep(LOOK_EVERY_SECONDS)
            for run in [run for run in running if run.is_over]:
                running.remove(run)
                yield run.end(progress)
            if time.monotonic() - told_at > TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                for run in running:
                    progress(f"{run.name}: {run.last_line}")
    finally:
        for run in running:
            run.end(progress)


@dataclass(frozen=True, slots=True)
class _Run:
    """A process of pytest on one stack."""

    name: str
    words: str
    limit_seconds: float
    began: float
    directory: Path
    child: "subprocess.Popen[bytes]"

    @classmethod
    def begin(cls, name: str, words: str, suite: Suite) -> "_Run":
        directory = Path(tempfile.mkdtemp(prefix="plaza-swap-"))
        options = ("-o", "timeout_func_only=true", "-o", "junit_family=xunit1", "-p", "no:cacheprovider")
        report = f"--junitxml={directory / 'report.xml'}"
        with (directory / "pytest.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-q", "--no-header", *options, report, *suite.paths],
                cwd=PROJECT,
                env={**os.environ, "PLAZA_STACK": words, "TMPDIR": str(directory)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(name, words, suite.limit_seconds, time.monotonic(), directory, child)

    @property
    def is_over(self) -> bool:
        return self.child.poll() is not None or time.monotonic() - self.began > self.limit_seconds

    @property
    def last_line(self) -> str:
        return (self._written.splitlines() or ["begins"])[-1].strip()

    @property
    def _written(self) -> str:
        return (self.directory / "pytest.log").read_text(errors="replace")

    def end(self, progress: Callable[[str], None]) -> Outcome:
        """Has pytest end its shops if it still runs, ends what it has left, and reads how it did."""
        exit_code = self.child.poll()
        if exit_code is None:
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(TEARDOWN_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for home in self.directory.glob("plaza-*"):
            stop_everything(Home(home))
        outcome = read_outcome(
            self.directory / "report.xml",
            name=self.name,
            words=self.words,
            seconds=time.monotonic() - self.began,
            exit_code=exit_code,
        )
        if outcome.wrong:
            progress(f"{self._written}\nThe shops of {self.name} are kept: {self.directory}")
        else:
            shutil.rmtree(self.directory)
        return outcome

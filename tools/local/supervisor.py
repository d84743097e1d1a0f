"""Starts again what died, as it was, while the shop is meant to serve: locally nobody else does."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from tools.local.processes import ProcessTable, is_alive

LOOK_EVERY_SECONDS = 0.25
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0
PROVEN_AFTER_SECONDS = 5.0


class BackOff:
    """How long to wait before a start: 0.5 s, doubling to 10 s, and anew after a life of 5 s."""

    def __init__(self) -> None:
        self._next = FIRST_WAIT_SECONDS

    def wait_seconds(self, *, lived_seconds: float) -> float:
        """The wait that follows a life as long as this; the next one is longer."""
        wait = FIRST_WAIT_SECONDS if lived_seconds >= PROVEN_AFTER_SECONDS else self._next
        self._next = min(2 * wait, LONGEST_WAIT_SECONDS)
        return wait


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it takes to start one process as it was, to see that it is ready, and to say why it ended."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    is_ready: Callable[[], bool]
    explain: Callable[[], str]

    @classmethod
    def of(
        cls,
        name: str,
        process: psutil.Process,
        *,
        log: Path,
        is_ready: Callable[[], bool],
        explain: Callable[[], str],
    ) -> Self:
        """Remembers a living process that someone else has started. Raises: psutil.Error when it does not live."""
        directory = Path(process.cwd())
        return cls(name, process.cmdline(), process.environ(), directory, log, is_ready, explain)


@dataclass(slots=True)
class _Charge:
    recipe: Recipe
    process: psutil.Process | None
    began: float
    back_off: BackOff = field(default_factory=BackOff)
    died: float = 0.0
    start_at: float = 0.0
    is_back: bool = True


class Supervisor:
    """Looks after processes from `start` to `stop`, in a thread of its own.

    It ends none of them. `on_change` is called after each death and each start.
    """

    def __init__(
        self,
        table: ProcessTable,
        processes: Iterable[tuple[Recipe, psutil.Process]],
        *,
        progress: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        now = time.monotonic()
        self._table = table
        self._charges = {recipe.name: _Charge(recipe, process, now) for recipe, process in processes}
        self._progress = progress
        self._on_change = on_change
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def find(self, name: str) -> psutil.Process | None:
        """The process of that name, None while it does not live."""
        return self._charges[name].process

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After this it starts nothing any more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self, now: float) -> None:
        """One round: notes who died, starts those whose wait is over, and tells who is ready again."""
        for charge in self._charges.values():
            if charge.process is not None and not is_alive(charge.process):
                self._mourn(charge, charge.process, now)
            elif charge.process is None and now >= charge.start_at:
                self._revive(charge, now)
            elif charge.process is not None and not charge.is_back and charge.recipe.is_ready():
                charge.is_back = True
                took = time.monotonic() - charge.died
                self._progress(f"{charge.recipe.name} (pid {charge.process.pid}) is back after {took:.1f} s")

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS):
            with suppress(OSError):  # a full disk or a closed terminal keeps it from telling, not from its work
                self.look(time.monotonic())

    def _mourn(self, charge: _Charge, process: psutil.Process, now: float) -> None:
        wait = charge.back_off.wait_seconds(lived_seconds=now - charge.began)
        if charge.is_back:
            charge.died = now
        charge.process, charge.start_at, charge.is_back = None, now + wait, False
        code = self._table.take_exit_code(process.pid)
        how = charge.recipe.explain() if code is None else f"{_in_words(code)} ({charge.recipe.log})"
        self._progress(f"{charge.recipe.name} (pid {process.pid}) ended: {how}; starting it again in {wait:g} s")
        self._on_change()

    def _revive(self, charge: _Charge, now: float) -> None:
        recipe = charge.recipe
        try:
            child = self._table.start(
                recipe.name,
                recipe.command,
                log=recipe.log,
                environment=recipe.environment,
                directory=recipe.directory,
            )
            charge.process, charge.began = psutil.Process(child.pid), now
        except (OSError, psutil.Error) as error:
            charge.start_at = now + charge.back_off.wait_seconds(lived_seconds=0)
            self._progress(f"{recipe.name} could not be started: {error}")
        self._on_change()


def _in_words(exit_code: int) -> str:
    return f"signal {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit code {exit_code}"

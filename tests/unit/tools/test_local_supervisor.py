"""What dies is started again as it was, after waits that grow, and by nobody once the supervisor has stopped."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tools.local.home import Home
from tools.local.processes import ProcessTable, is_alive, stop
from tools.local.supervisor import BackOff, Recipe, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


class Stage:
    """One sleeping process under a supervisor whose rounds the test calls itself."""

    def __init__(self, home: Home) -> None:
        self.table = ProcessTable(home.root)
        self.said: list[str] = []
        self.changes = 0
        self.ready = True
        self.log = home.logs / "sleeper.log"
        self.first = self.start(SLEEP)
        self.supervisor = self.supervise(SLEEP)

    def start(self, command: list[str]) -> psutil.Process:
        environment = {"COLOUR": "blue"}
        child = self.table.start("sleeper", command, log=self.log, environment=environment, directory=self.log.parent)
        return psutil.Process(child.pid)

    def supervise(self, command: list[str]) -> Supervisor:
        recipe = Recipe(
            "sleeper", command, {"COLOUR": "blue"}, self.log.parent, self.log, lambda: self.ready, lambda: "no idea"
        )
        return Supervisor(self.table, [(recipe, self.first)], progress=self.said.append, on_change=self._count_change)

    def _count_change(self) -> None:
        self.changes += 1

    @property
    def process(self) -> psutil.Process | None:
        return self.supervisor.find("sleeper")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    home = Home(tmp_path / "home")
    home.create()
    stage = Stage(home)
    yield stage
    stage.supervisor.stop()
    stop(stage.table.list_marked(), grace_seconds=1)
    stage.table.reap()


def kill(process: psutil.Process | None) -> None:
    assert process is not None
    process.kill()
    until(lambda: not is_alive(process))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_waits_double_up_to_ten_seconds_and_begin_anew_after_a_long_life() -> None:
    back_off = BackOff()

    waits = [back_off.wait_seconds(lived_seconds=1) for _ in range(7)]

    assert waits == [0.5, 1, 2, 4, 8, 10, 10]
    assert back_off.wait_seconds(lived_seconds=5) == 0.5
    assert back_off.wait_seconds(lived_seconds=4.9) == 1


def test_what_lives_is_left_alone(stage: Stage) -> None:
    stage.supervisor.look(time.monotonic() + 1000)

    assert stage.process == stage.first
    assert (stage.said, stage.changes) == ([], 0)


def test_what_died_is_started_again_when_its_wait_is_over(stage: Stage) -> None:
    now = time.monotonic()
    kill(stage.process)

    stage.supervisor.look(now)
    assert stage.process is None
    stage.supervisor.look(now + 0.4)
    assert stage.process is None
    stage.supervisor.look(now + 0.5)

    assert stage.process is not None
    assert stage.process.pid != stage.first.pid
    assert stage.process.environ()["COLOUR"] == "blue"
    assert Path(stage.process.cwd()) == stage.log.parent
    assert stage.changes == 2
    assert stage.said == [
        f"sleeper (pid {stage.first.pid}) ended: signal SIGKILL ({stage.log}); starting it again in 0.5 s"
    ]


def test_it_is_back_when_it_is_ready_and_not_before(stage: Stage) -> None:
    now = time.monotonic()
    stage.ready = False
    kill(stage.process)
    for later in (0, 0.5, 1, 1.5):
        stage.supervisor.look(now + later)
    assert len(stage.said) == 1

    stage.ready = True
    stage.supervisor.look(now + 2)
    stage.supervisor.look(now + 3)

    assert stage.process is not None
    assert len(stage.said) == 2
    assert stage.said[1].startswith(f"sleeper (pid {stage.process.pid}) is back after ")


def test_one_that_cannot_be_started_is_tried_again(stage: Stage) -> None:
    stage.supervisor = stage.supervise(["/no/such/program"])
    now = time.monotonic()
    kill(stage.first)
    for later in (0, 0.5, 1.4):
        stage.supervisor.look(now + later)
    assert [line.startswith("sleeper could not be started") for line in stage.said] == [False, True]

    stage.supervisor.look(now + 1.5)

    assert [line.startswith("sleeper could not be started") for line in stage.said] == [False, True, True]


def test_a_process_that_another_has_started_is_remembered_as_it_is(stage: Stage) -> None:
    recipe = Recipe.of(
        "sleeper", stage.first, log=stage.log, is_ready=lambda: True, explain=lambda: "killed, says its owner"
    )

    assert list(recipe.command) == SLEEP
    assert recipe.environment["COLOUR"] == "blue"
    assert recipe.directory == stage.log.parent


def test_its_own_thread_starts_it_again_and_nothing_after_stop(stage: Stage) -> None:
    stage.supervisor.start()
    kill(stage.first)
    until(lambda: stage.changes == 2)
    second = stage.process

    stage.supervisor.stop()
    kill(second)
    time.sleep(1)

    assert stage.table.list_marked() == []

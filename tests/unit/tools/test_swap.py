"""The matrix covers what it says, and a stack counts as clean only when its tests ran, and all passed."""

import tempfile
import time
from itertools import product
from pathlib import Path

import psutil
import pytest

from tools.local.home import PROJECT
from tools.local.run_file import chosen_stack
from tools.local.stack import CHOICES, Stack
from tools.swap.__main__ import main
from tools.swap.matrix import RATE, SHORT, STACKS, WHOLE, Suite
from tools.swap.outcome import Outcome, are_clean, read_outcome, written
from tools.swap.run import run_stacks

REPORT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="5">
<testcase classname="tests.e2e.test_a" name="test_1" time="1"/>
<testcase classname="tests.e2e.test_a" name="test_2" time="1"><failure message="no">trace</failure></testcase>
<testcase classname="tests.e2e.test_a" name="test_3" time="1"><error message="no">trace</error></testcase>
<testcase classname="tests.e2e.test_a" name="test_4" time="0"><skipped message="why">why</skipped></testcase>
<testcase classname="tests.swap.test_rate" name="test_5" time="1">
<properties><property name="checkouts_per_second" value="12.5"/></properties></testcase>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def _homes_that_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Go with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def apps_stacks() -> list[Stack]:
    """What each app of each stack stands on."""
    stacks = [chosen_stack(PROJECT / "dapr.yaml", words.split()) for words in STACKS.values()]
    return [part for stack in stacks for part in (stack, *dict(stack.own).values())]


def test_every_technology_that_we_can_run_is_in_the_matrix() -> None:
    for capability, technologies in CHOICES.items():
        assert {getattr(stack, capability) for stack in apps_stacks()} == set(technologies) - {"mongodb"}


def test_every_pair_that_has_to_do_with_each_other_is_in_the_matrix() -> None:
    stacks = apps_stacks()
    one_writer = {"etcd", "redis"}

    def meet(state: str, pubsub: str) -> bool:
        states = one_writer if state in one_writer else {state}
        return any(stack.state in states and stack.pubsub == pubsub for stack in stacks)

    assert all(meet(state, pubsub) for state, pubsub in product(("postgres", "etcd"), CHOICES["pubsub"]))
    behind_the_vault = {
        getattr(stack, capability)
        for stack in stacks
        if stack.secrets == "vault"
        for capability in ("state", "pubsub", "cache")
    }
    assert behind_the_vault == {"postgres", "etcd", "redis", "kafka", "nats"}
    on_one_server = {(stack.state, stack.cache) for stack in stacks if stack.state == stack.cache}
    assert on_one_server == {("postgres", "postgres"), ("redis", "redis")}


def outcome_of(report: Path, exit_code: int | None) -> Outcome:
    return read_outcome(report, name="kafka", words="PUBSUB=kafka", seconds=61.0, exit_code=exit_code)


def test_failures_and_errors_count_alike_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    outcome = outcome_of(tmp_path / "report.xml", 1)

    assert (outcome.passed, outcome.failed, outcome.skipped, outcome.rate) == (2, 2, 1, 12.5)
    assert outcome.wrong == ("tests.e2e.test_a::test_2", "tests.e2e.test_a::test_3")
    assert not are_clean([outcome])


@pytest.mark.parametrize(("exit_code", "why"), [(None, "broken off after 61 s"), (3, "pytest ended with exit code 3")])
def test_a_run_without_a_result_has_failed(tmp_path: Path, exit_code: int | None, why: str) -> None:
    outcome = outcome_of(tmp_path / "none.xml", exit_code)

    assert (outcome.passed, outcome.wrong) == (0, (why,))


def test_a_stack_on_which_nothing_passed_is_not_clean() -> None:
    passed = Outcome("default", "", 5, 0, (), 10.0)
    assert are_clean([passed])
    assert not are_clean([passed, Outcome("kafka", "PUBSUB=kafka", 0, 5, (), 10.0)])


def test_the_table_has_rates_as_ratios_to_the_default() -> None:
    default, kafka = (
        Outcome("default", "", 5, 0, (), 10.0, 20.0),
        Outcome("kafka", "PUBSUB=kafka", 4, 1, ("a::b",), 11.0, 15.0),
    )

    assert written([default, kafka]).splitlines()[2:] == [
        "| default |  | 5 | 0 | 0 | 10 | 1.00 |",
        "| kafka | `PUBSUB=kafka` | 4 | 1 | 1 | 11 | 0.75 |",
        "kafka: a::b",
    ]
    assert "| 11 | – |" in written([kafka])


def test_what_takes_too_long_is_broken_off_and_leaves_nothing(tmp_path: Path) -> None:
    slow = tmp_path / "test_slow.py"
    slow.write_text("import time\n\n\ndef test_slow() -> None:\n    time.sleep(60)\n")
    began = time.monotonic()

    (outcome,) = run_stacks({"default": ""}, Suite((str(slow),), 2), at_once=1, progress=print)

    assert outcome.wrong[0].startswith("broken off after ")
    assert time.monotonic() - began < 40
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(slow) in (one.info["cmdline"] or ())]


def test_a_stack_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rabbit"]) == 2
    assert "no stack is called rabbit: choose from default, kafka" in capsys.readouterr().err


def test_the_tests_of_all_suites_are_there() -> None:
    paths = {path.partition("::")[0] for suite in (WHOLE, SHORT, RATE) for path in suite.paths}
    assert all((PROJECT / path).exists() for path in paths)


def test_stacks_side_by_side_have_an_outcome_each_and_what_failed_is_told(tmp_path: Path) -> None:
    test = tmp_path / "test_words.py"
    test.write_text(
        "import os\n\n\ndef test_words() -> None:\n    assert os.environ['PLAZA_STACK'] != 'PUBSUB=kafka'\n"
    )
    told: list[str] = []

    stacks = {"default": "", "kafka": "PUBSUB=kafka", "redis": "STATE=redis"}
    outcomes = {one.name: one for one in run_stacks(stacks, Suite((str(test),), 60), at_once=2, progress=told.append)}

    assert {name: (one.passed, one.failed) for name, one in outcomes.items()} == {
        "default": (1, 0),
        "kafka": (0, 1),
        "redis": (1, 0),
    }
    (kept,) = told
    assert "test_words" in kept
    assert Path(kept.rpartition(": ")[2]).is_dir()


def test_a_rate_that_is_measured_later_belongs_to_the_same_stack() -> None:
    whole, rate = (
        Outcome("redis", "STATE=redis", 5, 2, ("a::b",), 10.0),
        Outcome("redis", "STATE=redis", 1, 0, (), 2.0, 7.5),
    )
    assert whole.and_then(rate) == Outcome("redis", "STATE=redis", 6, 2, ("a::b",), 12.0, 7.5)

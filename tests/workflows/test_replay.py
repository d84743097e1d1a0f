"""Histories of sagas that ran in a shop, replayed turn by turn against the present code: it must ask for just what was asked for then.

A failure means that sagas under way would break off after an upgrade: give the changed plan a version (docs/upgrades.md).
"""

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dapr.ext.workflow._durabletask.worker import _OrchestrationExecutor

from apps.shared.contracts.checkout import CANCELLATION_WORKFLOW, CHECKOUT_WORKFLOW
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.steps import WorkflowWorker, _new_runtime
from tests.support.histories import SENT, load, version_of
from tests.support.upgraded_checkout import PLANS
from workflows.checkout.plan import CHECKOUT_VERSIONS, Step
from workflows.checkout.saga import cancellation, checkout

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*.json"))
"""Those without a number began before versions were recorded."""
UNVERSIONED = Path(__file__).with_name("histories") / "paid.json"


def registry_of(plans: Mapping[str, tuple[Step, ...]]) -> Any:
    """What the SDK's worker knows in an app that hosts these plans."""
    worker = WorkflowWorker(Sidecar(port=1, token=""))
    worker.host(CHECKOUT_WORKFLOW, {version: partial(checkout, plan=plan) for version, plan in plans.items()})
    worker.host(CANCELLATION_WORKFLOW, {"1": cancellation})
    return _new_runtime(worker._registrations)._WorkflowRuntime__worker._registry  # type: ignore[attr-defined]


def turns(events: list[Any]) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
    """Of each turn: what was there before, what came, and what the workflow asked for."""
    starts = [index for index, event in enumerate(events) if event.HasField("workflowStarted")]
    for start, end in zip(starts, [*starts[1:], len(events)], strict=True):
        turn = events[start:end]
        sent = [event for event in turn if event.WhichOneof("eventType") in SENT]
        yield events[:start], [event for event in turn if event not in sent], sent


def replay(registry: Any, past: list[Any], came: list[Any]) -> Any:
    return _OrchestrationExecutor(registry, logging.getLogger("replay")).execute("ord_1", past, came)


def asked(action: Any) -> tuple[str, str]:
    """Kind and content of an action, in the words of its event."""
    kind = action.WhichOneof("workflowActionType")
    if kind == "scheduleTask":
        return "taskScheduled", f"{action.scheduleTask.name} {action.scheduleTask.input.value}"
    if kind == "completeWorkflow":
        return "executionCompleted", f"{action.completeWorkflow.workflowStatus} {action.completeWorkflow.result.value}"
    return {"createTimer": "timerCreated"}[kind], ""


def was_asked(event: Any) -> tuple[str, str]:
    kind = event.WhichOneof("eventType")
    if kind == "taskScheduled":
        return kind, f"{event.taskScheduled.name} {event.taskScheduled.input.value}"
    if kind == "executionCompleted":
        return kind, f"{event.executionCompleted.workflowStatus} {event.executionCompleted.result.value}"
    return kind, ""


@pytest.mark.parametrize("plans", [CHECKOUT_VERSIONS, PLANS], ids=["present", "upgraded"])
@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_saga_under_way_goes_on_as_it_began(path: Path, plans: Mapping[str, tuple[Step, ...]]) -> None:
    registry, events = registry_of(plans), load(path)
    for past, came, sent in turns(events):
        if past or version_of(events):
            assert [asked(action) for action in replay(registry, past, came).actions] == list(map(was_asked, sent))


def test_a_new_saga_runs_and_records_the_last_plan() -> None:
    past, came, _ = next(turns(load(UNVERSIONED)))
    assert replay(registry_of(CHECKOUT_VERSIONS), past, came).version_name == list(CHECKOUT_VERSIONS)[-1]
    assert replay(registry_of(PLANS), past, came).version_name == "2"


def test_a_saga_whose_plan_is_not_here_is_left_alone() -> None:
    events = load(UNVERSIONED)
    events[0].workflowStarted.version.name = "of a later release"
    *_, (past, came, _) = turns(events)
    (action,) = replay(registry_of(CHECKOUT_VERSIONS), past, came).actions
    assert action.WhichOneof("workflowActionType") == "workflowVersionNotAvailable"

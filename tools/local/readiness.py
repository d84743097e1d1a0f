"""Waits until every app of the shop says that it is ready, and gives up early with the cause when one has died."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.local.diagnosis import explain_app, explain_not_ready, explain_sidecar, find_reason, has_ended
from tools.local.errors import LocalError
from tools.local.logs import app_log, last_lines, sidecar_log
from tools.local.sidecars import Pair, Sidecars

READY_WITHIN_SECONDS = 150.0
STORE_ANSWERS_WITHIN_SECONDS = 10.0
"""The servers were ready before the apps began: a store that answers none for so long has another address than theirs."""
LOOK_EVERY_SECONDS = 0.25


def wait_until_ready(sidecars: Sidecars, *, logs: Path, progress: Callable[[str], None]) -> Mapping[str, Pair]:
    """Answers the processes as they are then.

    Raises: LocalError naming the app or component that failed, and why.
    """
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    apps = sidecars.run_file.apps
    ready: set[str] = set()
    seen: Mapping[str, Pair] = {}
    stores = StoreWatch(logs)
    while len(ready) < len(apps):
        if time.monotonic() > deadline:
            missing = [app for app in apps if app.app_id not in ready]
            raise LocalError("\n       ".join([_too_late(len(missing)), *explain_not_ready(logs, missing)]))
        if sidecars.cli_exit_code is not None:
            raise LocalError(f"'dapr run' ended: {' / '.join(last_lines(logs / 'dapr.log', 3))}")
        pairs = sidecars.pairs()
        if deaths := describe_deaths(seen, pairs, logs) or _describe_early_deaths(pairs, logs):
            raise LocalError(deaths[0])
        seen = pairs
        for app in apps:
            if app.app_id in ready or not pairs[app.app_id].app:
                continue
            reason = find_reason(app.app_port)
            if reason == "":
                ready.add(app.app_id)
                progress(f"{app.app_id} is ready")
            stores.look(app.app_id, reason or "", time.monotonic())
        time.sleep(LOOK_EVERY_SECONDS)
    return seen


class StoreWatch:
    """Notices a store that does not answer though its sidecar started: some components connect only when they are used."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._failing_since: dict[str, float] = {}

    def look(self, app_id: str, reason: str, now: float) -> None:
        """Takes note of why an app is not ready (empty when it is). Raises: LocalError when its store had its time."""
        if "component " not in reason or "ERR_ANOTHER_REPLICA" in reason:  # a lease ends by itself
            self._failing_since.pop(app_id, None)
        elif now - self._failing_since.setdefault(app_id, now) > STORE_ANSWERS_WITHIN_SECONDS:
            raise LocalError(f"{app_id}: {reason} Its sidecar: {explain_sidecar(self._logs, app_id)}")


def describe_deaths(before: Mapping[str, Pair], now: Mapping[str, Pair], logs: Path) -> list[str]:
    """A line for each process that lived at the last look and does not any more, with the reason from its log."""
    lines = []
    for app_id, pair in now.items():
        past = before.get(app_id, Pair())
        if past.daprd and not pair.daprd:
            lines.append(f"The sidecar of {app_id} (pid {past.daprd.pid}) ended: {explain_sidecar(logs, app_id)}")
        if past.app and not pair.app:
            lines.append(f"{app_id} (pid {past.app.pid}) ended: {explain_app(logs, app_id)}")
    return lines


def _describe_early_deaths(pairs: Mapping[str, Pair], logs: Path) -> list[str]:
    """The same for those that ended so soon that no look ever saw them: the CLI tells of them in their logs."""
    lines = []
    for app_id, pair in pairs.items():
        if not pair.daprd and has_ended(sidecar_log(logs, app_id)):
            lines.append(f"The sidecar of {app_id} ended: {explain_sidecar(logs, app_id)}")
        if not pair.app and has_ended(app_log(logs, app_id)):
            lines.append(f"{app_id} ended: {explain_app(logs, app_id)}")
    return lines


def _too_late(count: int) -> str:
    return f"{count} of the apps were not ready within {READY_WITHIN_SECONDS:.0f} s:"

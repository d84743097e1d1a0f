"""Says in one or two lines why the shop is not ready: which app, which component, and the cause as its log has it."""

import json
import re
import urllib.error
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tools.local.logs import app_log, sidecar_log, tail
from tools.local.run_file import App
from tools.local.waiting import open_url

APP_LINE = re.compile(r"^== APP - \S+ == ")
DAPR_FIELD = re.compile(r'level=(?P<level>\w+) msg="(?P<message>(?:[^"\\]|\\.)*)"')
COMPONENT = re.compile(r"(?:init|process) component (?P<name>[\w.-]+)", re.IGNORECASE)
INIT_FAILURE = re.compile(r".*initialization error occurred for [\w.-]+ \((?P<type>[^)]+)\): (?P<cause>.*)")
SECRET_FAILURE = re.compile(r"(?:.*failed to extract encryption key|Error getting secret): (?P<cause>.*)")
"""Without its secret a component fails in turn, for a reason that tells nothing."""

CLI_SAYS_ENDED = re.compile(
    r"The (?:App|daprd) process exited with error code: (?P<how>.*)|Exited (?:App|Dapr) successfully"
)
SHOWN_LINES = 3


def has_ended(log: Path) -> bool:
    """Whether the CLI wrote into the log that the process which it belongs to has ended."""
    return any(CLI_SAYS_ENDED.search(line) for line in tail(log))


def explain_sidecar(logs: Path, app_id: str) -> str:
    """The last fatal or error message of a sidecar, naming the component when it is one that failed."""
    messages = [
        message
        for line in tail(sidecar_log(logs, app_id))
        if (message := _message(line)) and message[0] in ("error", "fatal")
    ]
    secrets = [match for _, text in messages if (match := SECRET_FAILURE.match(text))]
    if secrets:
        return f"component secretstore: {secrets[0]['cause']} ({sidecar_log(logs, app_id)})"
    blamed = [text for _, text in messages if COMPONENT.search(text)] or [
        text for level, text in messages if level == "fatal"
    ]
    texts = blamed or [text for _, text in messages]
    if not texts:
        return f"{_how_it_ended(sidecar_log(logs, app_id))} ({sidecar_log(logs, app_id)})"
    return f"{_in_short(texts[-1])} ({sidecar_log(logs, app_id)})"


def _message(line: str) -> tuple[str, str] | None:
    """Level and text of a line of daprd's, or of a client inside it that logs as JSON and puts the cause into a field."""
    if match := DAPR_FIELD.search(line):
        text = match["message"].replace('\\"', '"').replace("\\n", " ").replace("\\t", " ")
        return match["level"], " ".join(text.split())
    if line.startswith("{"):
        with suppress(ValueError, KeyError):
            return "error", str(json.loads(line)["error"])
    return None


def _in_short(text: str) -> str:
    """The component, its type and the cause, without the words that Dapr wraps around them at each level."""
    component = COMPONENT.search(text)
    if component is None:
        return text
    failure = INIT_FAILURE.match(text)
    if failure is None:
        return f"component {component['name']}: {text}"
    return f"component {component['name']} ({failure['type']}): {failure['cause']}"


def explain_app(logs: Path, app_id: str) -> str:
    """The last lines of an app's log without the CLI's prefix; a traceback ends in its cause."""
    how = _how_it_ended(app_log(logs, app_id))
    if how.startswith("signal"):
        return f"{how} ({app_log(logs, app_id)})"
    said = [APP_LINE.sub("", line).strip() for line in tail(app_log(logs, app_id)) if not CLI_SAYS_ENDED.search(line)]
    return (
        f"{' / '.join([line for line in said if line][-SHOWN_LINES:]) or 'it said nothing'} ({app_log(logs, app_id)})"
    )


def _how_it_ended(log: Path) -> str:
    """`signal: killed` or `exit status 1`, in the CLI's words."""
    ends = [match for line in tail(log) if (match := CLI_SAYS_ENDED.search(line))]
    return ends[-1]["how"] or "it ended by itself" if ends else "its log says nothing"


def explain_not_ready(logs: Path, apps: Iterable[App]) -> list[str]:
    """One line for each app whose `/ready` is not 200, with its own answer or, without one, the end of its log."""
    lines = []
    for app in apps:
        answer = find_reason(app.app_port)
        if answer is None:
            lines.append(f"{app.app_id} does not answer on port {app.app_port}: {explain_app(logs, app.app_id)}")
        elif answer:
            lines.append(f"{app.app_id} is not ready: {answer}")
            if sidecar_log(logs, app.app_id).exists() and "component" in (cause := explain_sidecar(logs, app.app_id)):
                lines.append(f"  its sidecar: {cause}")
    return lines


def find_reason(port: int) -> str | None:
    """Why an app is not ready, in its own words: empty when it is, None when nothing answers."""
    try:
        with open_url(f"http://127.0.0.1:{port}/ready", timeout_seconds=2):
            return ""
    except urllib.error.HTTPError as error:
        body = error.read().decode(errors="replace")
        try:
            return str(json.loads(body)["detail"])
        except (ValueError, TypeError, KeyError):
            return body[:300] or f"status {error.code}"
    except OSError:
        return None

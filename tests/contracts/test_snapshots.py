"""What crosses a wire changes on purpose only: every message of `shared.contracts` against its committed schema.

After a change that is meant: `python -m tests.contracts.test_snapshots`, and look at the diff. Fields may be added with a default;
anything else is a new type with a higher version.
"""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from apps.shared import contracts
from apps.shared.contracts.event import Event
from apps.shared.contracts.step import StepInput

SNAPSHOT = Path(__file__).parent / "messages.json"


def messages() -> dict[str, type[BaseModel]]:
    """Every model that a contract module defines, by `<module>.<name>`."""
    found: dict[str, type[BaseModel]] = {}
    for module_info in pkgutil.iter_modules(contracts.__path__):
        module = importlib.import_module(f"{contracts.__name__}.{module_info.name}")
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__:
                found[f"{module_info.name}.{name}"] = value
    return found


def described(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    address = {"topic": model.topic, "type": model.type} if issubclass(model, Event) and hasattr(model, "type") else {}
    return {**address, "schema": schema}


def snapshot() -> str:
    return (
        json.dumps({name: described(model) for name, model in sorted(messages().items())}, indent=1, sort_keys=True)
        + "\n"
    )


def test_no_message_changed_unnoticed() -> None:
    assert snapshot() == SNAPSHOT.read_text(), "a message changed: see the docstring of this module"


def test_event_types_are_named_after_their_topic_and_version() -> None:
    events = [model for model in messages().values() if issubclass(model, Event) and hasattr(model, "type")]
    assert len(events) >= 7
    for event in events:
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in event.__name__).lstrip("-")
        assert event.type == f"{event.topic}.{words}.v1"
    assert len({event.type for event in events}) == len(events)


def test_no_event_or_step_carries_personal_data() -> None:
    personal = {"email", "name", "address", "shipping_address", "token", "password", "phone"}
    for name, model in messages().items():
        if issubclass(model, Event | StepInput):
            assert not personal & set(model.model_fields), (
                f"{name} would put personal data into events or workflow history"
            )


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot())

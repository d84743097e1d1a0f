"""The invariant of events: what a consumer could not handle was given to it again."""

from collections.abc import Iterator

from tools.audit.look import Finding, Look


def event_undelivered(look: Look) -> Iterator[Finding]:
    for letter in look.facts.letters:
        event = f"{letter.type} {letter.event_id}".strip() or "something that is no event"
        yield letter.id, "" if letter.is_handled else f"{letter.consumer} could not handle {event}: make dead-letters"

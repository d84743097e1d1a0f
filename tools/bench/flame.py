"""Draws where an operation's CPU goes, over all processes: their CPU from a bench's JSON, and inside each app its stacks from py-spy.

`python -m tools.bench.flame .plaza/bench.json CHECKOUT-8 orders=orders.txt … > checkout.svg`, where each text is what
`py-spy record --format raw` wrote of that app while the job ran.
"""

import argparse
import html
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

WIDTH, ROW, FONT = 1400, 17, 11
LEAST_PIXELS = 1.5
DEEPEST = 28
LOOP = "Runner.run"
IDLE = re.compile(
    r"Condition\.wait|thread\.py:81|selectors\.py|channel_spin|_wait_once|Queue\.get|_write_to_self|_read_from_self"
)
PLUMBING = re.compile(
    r"^(_bootstrap|Thread\.|_worker|_WorkItem|_run_|<module>|serve |run \(uvicorn|Server\.run|asyncio_run)"
)
COLOURS = {"apps": "#e8a33d", "daprd": "#5b8fd6", "postgres": "#7fae6b", "scheduler": "#b389c9", "redis": "#d66b6b"}


@dataclass
class Frame:
    """A call and what it called. `value` is in ms an operation."""

    name: str
    value: float = 0.0
    below: "dict[str, Frame]" = field(default_factory=dict)

    def add(self, names: Iterable[str], value: float) -> None:
        self.value += value
        frame = self
        for name in names:
            frame = frame.below.setdefault(name, Frame(name))
            frame.value += value


def stacks(folded: str) -> Iterator[tuple[list[str], int]]:
    """Stacks at work with their samples: without line numbers, what runs every app, and waiting threads."""
    for line in folded.splitlines():
        frames, _, samples = line.rpartition(" ")
        calls = frames.split(";")
        if IDLE.search(calls[-1]):
            continue
        if any(call.startswith(LOOP) for call in calls):
            first = next(number for number, call in enumerate(calls) if call.startswith(LOOP))
            calls = calls[first + 1 :] or ["event loop, sockets"]
        yield [re.sub(r" \(.*", "", call) for call in calls if not PLUMBING.search(call)][:DEEPEST], int(samples)


def tree(cpu_ms: Mapping[str, float], profiles: Mapping[str, str], title: str) -> Frame:
    """`cpu_ms` by process, as the bench has it; `profiles` the folded stacks by app id."""
    root = Frame(title)
    for process, value in sorted(cpu_ms.items(), key=lambda item: -item[1]):
        kind, _, app_id = process.partition(" ")
        known = list(stacks(profiles[app_id])) if kind == "apps" and app_id in profiles else []
        total = sum(samples for _, samples in known)
        if value <= 0:
            continue
        for names, samples in known:
            root.add([process, *names], value * samples / total)
        if not known:
            root.add([process], value)
    return root


def drawn(root: Frame) -> str:
    """An SVG whose every box tells its name and its ms when pointed at."""
    boxes: list[str] = []

    def draw(frame: Frame, x: float, depth: int, kind: str) -> int:
        width = WIDTH * frame.value / root.value
        if width < LEAST_PIXELS:
            return depth
        kind = frame.name.split()[0] if depth == 1 else kind
        name = html.escape(frame.name)
        shown = html.escape(frame.name[: int(width / 6.2)]) if width > 25 else ""
        y = depth * ROW
        boxes.append(
            f'<g><title>{name}: {frame.value:.2f} ms</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" '
            f'fill="{COLOURS.get(kind, "#b8b8b8")}" stroke="#fff" stroke-width=".4"/><text x="{x + 2:.1f}" y="{y + 12}">{shown}</text></g>'
        )
        deepest = depth
        for below in sorted(frame.below.values(), key=lambda one: -one.value):
            deepest = max(deepest, draw(below, x, depth + 1, kind))
            x += WIDTH * below.value / root.value
        return deepest

    height = (draw(root, 0.0, 0, "") + 1) * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="{FONT}">'
        f"{''.join(boxes)}</svg>\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.flame", description=__doc__)
    parser.add_argument("result", type=Path)
    parser.add_argument("job")
    parser.add_argument("profiles", nargs="*", metavar="APP=FILE")
    options = parser.parse_args()
    cpu_ms = json.loads(options.result.read_text())["cpu_ms_by_process"][options.job]
    profiles = {
        app_id: Path(file).read_text() for app_id, _, file in (text.partition("=") for text in options.profiles)
    }
    sys.stdout.write(drawn(tree(cpu_ms, profiles, f"{options.job}: {sum(cpu_ms.values()):.0f} CPU ms an operation")))
    return 0


if __name__ == "__main__":
    sys.exit(main())

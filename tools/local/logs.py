"""The logs of a shop: names that stay for the CLI's dated files (`orders.log`, `orders.daprd.log`), and how one ends.

The end of a log is where the reason stands when something did not start.
"""

from pathlib import Path

TAIL_BYTES = 256 * 1024
KEPT_RUNS = 3


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines that are not empty, oldest first; none when there is no such file."""
    return [line for line in tail(log) if line.strip()][-count:]


def tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def app_log(logs: Path, app_id: str) -> Path:
    return logs / f"{app_id}.log"


def sidecar_log(logs: Path, app_id: str) -> Path:
    return logs / f"{app_id}.daprd.log"


def forget_old_runs(logs: Path, app_ids: list[str]) -> None:
    """Removes the stable names, since what they name is over, and all but the last few runs' files."""
    for app_id in app_ids:
        for kind, link in (("app", app_log(logs, app_id)), ("daprd", sidecar_log(logs, app_id))):
            link.unlink(missing_ok=True)
            for old in _dated(logs, app_id, kind)[:-KEPT_RUNS]:
                old.unlink()


def link_newest(logs: Path, app_id: str, *, since: float) -> None:
    """Points the stable names to the files that the CLI began after the given time."""
    for kind, link in (("app", app_log(logs, app_id)), ("daprd", sidecar_log(logs, app_id))):
        dated = _dated(logs, app_id, kind)
        if dated and not link.exists() and dated[-1].stat().st_mtime >= since:
            link.unlink(missing_ok=True)
            link.symlink_to(dated[-1].name)


def _dated(logs: Path, app_id: str, kind: str) -> list[Path]:
    return sorted(logs.glob(f"{app_id}_{kind}_*.log"))

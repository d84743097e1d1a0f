"""The first way: programs that the user installed, by a package or by hand.

`dapr init --slim` alone never fits: it brings no sentry, which Plaza needs for mTLS.
"""

import hashlib
import os
import shutil
from pathlib import Path

from tools.dapr.binaries import CLI_PROGRAM, PROGRAMS, RUNTIME_PROGRAMS
from tools.dapr.pins import Pins, Versions
from tools.dapr.probe import find_stamp, find_version, is_dapr_service
from tools.obtain.errors import Progress
from tools.obtain.host import Host
from tools.obtain.versions import require_version, version_text

SERVICES = tuple(program for program in RUNTIME_PROGRAMS if program != "daprd")


def find_installed(host: Host, pins: Pins, progress: Progress) -> tuple[dict[str, Path], Versions] | None:
    """The five programs and their versions, when all are there and fit; else one line says what is amiss.

    `~/.dapr/bin` is searched before PATH: `dapr init` puts the runtime there, and the CLI itself runs that one.
    The services must lie beside daprd, where the installation that brought it would have put them.
    """
    search_path = os.pathsep.join([str(host.home / ".dapr" / "bin"), host.environment.get("PATH", os.defpath)])
    daprd = shutil.which("daprd", path=search_path)
    if daprd is None:
        return None  # a CLI alone is what everybody has who uses Dapr on Kubernetes: nothing worth a line
    found = {"daprd": Path(daprd).absolute()}
    for service in SERVICES:
        if place := shutil.which(service, path=str(found["daprd"].parent)):
            found[service] = Path(place).absolute()
    if place := shutil.which(CLI_PROGRAM, path=search_path):
        found[CLI_PROGRAM] = Path(place).absolute()
    versions = _fitting_versions(found, pins)
    if isinstance(versions, str):
        progress(f"the installed Dapr is not used: {versions}")
        return None
    return found, versions


def _fitting_versions(found: dict[str, Path], pins: Pins) -> Versions | str:
    """The versions, or why the set does not fit."""
    if missing := [program for program in PROGRAMS if program not in found]:
        return f"{found['daprd'].parent} lacks {', '.join(missing)}"
    runtime, cli = find_version(found["daprd"]), find_version(found[CLI_PROGRAM])
    for program, version, minimum in (
        ("daprd", runtime, pins.minimum.runtime),
        (CLI_PROGRAM, cli, pins.minimum.cli),
    ):
        if version is None or version < require_version(minimum):
            return f"{found[program]} is {version_text(version)}, and Plaza wants {minimum} or newer"
    for service in SERVICES:
        if not is_dapr_service(found[service]):
            return f"{found[service]} is not Dapr's"
        if (stamp := find_stamp(found[service])) is not None and stamp != runtime:
            return f"{found[service]} is {version_text(stamp)} and daprd is {version_text(runtime)}"
    return Versions(runtime=version_text(runtime), cli=version_text(cli))


def link_name(programs: dict[str, Path], versions: Versions, host: Host) -> str:
    """Of the directory of links: another installation gets another name, so none that is in use is ever changed."""
    places = "\n".join(str(programs[program]) for program in PROGRAMS)
    return f"installed-{versions.cache_key(host.name)}-{hashlib.sha256(places.encode()).hexdigest()[:12]}"


def link(programs: dict[str, Path], directory: Path) -> None:
    for program, place in programs.items():
        (directory / program).symlink_to(place)

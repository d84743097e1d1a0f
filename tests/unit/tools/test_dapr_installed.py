"""Programs that the user installed are taken when the whole set fits, and otherwise left alone with one line."""

from pathlib import Path

import pytest

from tests.unit.tools import dapr_fakes as fakes
from tools.dapr import obtain
from tools.dapr.binaries import PROGRAMS
from tools.dapr.installed import find_installed
from tools.dapr.pins import Versions, read_pins
from tools.obtain.host import Host


def find(host: Host) -> tuple[Versions | None, list[str]]:
    lines = list[str]()
    found = find_installed(host, read_pins(), lines.append)
    return (found[1] if found else None), lines


def test_a_fitting_set_is_linked_and_nothing_is_copied(tmp_path: Path) -> None:
    fakes.install_programs(tmp_path / "opt", fakes.BUILD)
    host = fakes.host(tmp_path, PATH=f"{tmp_path / 'opt'}:/usr/bin:/bin")

    binaries = obtain(lambda _: None, host=host)

    assert (binaries.origin, binaries.runtime_version, binaries.cli_version) == ("installed", "1.18.2", "1.16.5")
    assert binaries.directory == binaries.runtime_path / ".dapr" / "bin"
    assert {(binaries.directory / name).readlink() for name in PROGRAMS} == {tmp_path / "opt" / n for n in PROGRAMS}


def test_the_runtime_of_dapr_init_comes_before_path_and_the_cli_may_lie_elsewhere(tmp_path: Path) -> None:
    host = fakes.host(tmp_path, PATH=f"{tmp_path / 'opt'}:/usr/bin:/bin")
    initialised = host.home / ".dapr" / "bin"
    fakes.install_programs(initialised, Versions(runtime="1.19.0", cli="1.17.0"))
    fakes.install_programs(tmp_path / "opt", fakes.BUILD)
    (initialised / "dapr").unlink()

    versions, lines = find(host)

    assert versions == Versions(runtime="1.19.0", cli="1.16.5")
    assert lines == []


@pytest.mark.parametrize(
    ("installed", "line"),
    [
        (Versions(runtime="1.17.9", cli="1.16.5"), r"opt/daprd is 1.17.9, and Plaza wants 1.18.0 or newer"),
        (Versions(runtime="edge", cli="1.16.5"), r"opt/daprd is of no known version, and Plaza wants 1.18.0 or newer"),
        (Versions(runtime="1.18.0-rc.2", cli="1.16.5"), r"opt/daprd is of no known version"),
        (Versions(runtime="1.18.2", cli="1.15.1"), r"opt/dapr is 1.15.1, and Plaza wants 1.16.0 or newer"),
    ],
)
def test_a_version_too_old_or_unknown_is_not_used(tmp_path: Path, installed: Versions, line: str) -> None:
    fakes.install_programs(tmp_path / "opt", installed)

    versions, lines = find(fakes.host(tmp_path, PATH=f"{tmp_path / 'opt'}:/usr/bin:/bin"))

    assert versions is None
    assert len(lines) == 1
    assert line in lines[0]


def test_a_set_without_sentry_as_dapr_init_leaves_it_is_not_used(tmp_path: Path) -> None:
    host = fakes.host(tmp_path)
    fakes.install_programs(host.home / ".dapr" / "bin", fakes.BUILD)
    (host.home / ".dapr" / "bin" / "sentry").unlink()

    versions, lines = find(host)

    assert versions is None
    assert lines == [f"the installed Dapr is not used: {host.home / '.dapr' / 'bin'} lacks sentry"]


def test_a_sentry_that_is_not_daprs_is_not_used(tmp_path: Path) -> None:
    fakes.install_programs(tmp_path / "opt", fakes.BUILD)
    fakes.write_program(tmp_path / "opt", "sentry", "#!/bin/sh\necho 'Usage: sentry [OPTIONS] COMMAND'\n")

    versions, lines = find(fakes.host(tmp_path, PATH=f"{tmp_path / 'opt'}:/usr/bin:/bin"))

    assert versions is None
    assert lines[0].endswith("opt/sentry is not Dapr's")


def test_a_service_stamped_with_another_version_than_daprd_is_not_used(tmp_path: Path) -> None:
    fakes.install_programs(tmp_path / "opt", fakes.BUILD)
    stamp = "# -X github.com/dapr/dapr/pkg/buildinfo.version=1.17.0\n"
    fakes.write_program(tmp_path / "opt", "placement", fakes.fake_program("placement", "1.17.0") + stamp)

    versions, lines = find(fakes.host(tmp_path, PATH=f"{tmp_path / 'opt'}:/usr/bin:/bin"))

    assert versions is None
    assert lines[0].endswith("opt/placement is 1.17.0 and daprd is 1.18.2")


def test_a_cli_alone_is_passed_over_in_silence(tmp_path: Path) -> None:
    fakes.write_program(tmp_path / "opt", "dapr", fakes.fake_program("dapr", "1.16.5"))

    assert find(fakes.host(tmp_path, PATH=f"{tmp_path / 'opt'}:/usr/bin:/bin")) == (None, [])

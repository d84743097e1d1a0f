"""The official archives: used only when their checksum is the pinned one, and given up soon when they cannot be had."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tools import dapr_fakes as fakes
from tools.dapr.binaries import PROGRAMS
from tools.dapr.pins import Pins, read_pins
from tools.dapr.release import ReleaseError, WrongChecksumError, download_release
from tools.obtain.limits import Limits

DAPRD = "dapr/dapr/releases/download/v1.18.1/daprd_linux_amd64.tar.gz"
SCHEDULER = "dapr/dapr/releases/download/v1.18.1/scheduler_linux_amd64.tar.gz"


@pytest.fixture
def served() -> Iterator[fakes.Releases]:
    with fakes.releases() as server:
        yield server


@pytest.fixture
def pins(served: fakes.Releases) -> Pins:
    return served.publish(fakes.RELEASE, "linux-amd64")


def download(tmp_path: Path, pins: Pins, limits: Limits = fakes.QUICK, **environment: str) -> tuple[Path, list[str]]:
    directory, lines = tmp_path / "programs", list[str]()
    directory.mkdir()
    download_release(
        directory,
        scratch=tmp_path,
        host=fakes.host(tmp_path, **environment),
        pins=pins,
        limits=limits,
        progress=lines.append,
    )
    return directory, lines


def test_good_archives_give_five_programs_that_run(tmp_path: Path, pins: Pins) -> None:
    directory, _ = download(tmp_path, pins)

    assert sorted(place.name for place in directory.iterdir()) == sorted(PROGRAMS)
    assert all(place.stat().st_mode & 0o111 for place in directory.iterdir())


def test_a_wrong_checksum_is_said_loudly_and_the_archive_is_not_unpacked(
    tmp_path: Path, served: fakes.Releases, pins: Pins
) -> None:
    served.files[SCHEDULER] = fakes.archive({"scheduler": "#!/bin/sh\necho evil\n"})

    with pytest.raises(WrongChecksumError, match=r"WRONG CHECKSUM.*scheduler_linux_amd64") as caught:
        download(tmp_path, pins)

    assert pins.sha256[SCHEDULER] in str(caught.value)
    assert not (tmp_path / "programs" / "scheduler").exists()


def test_a_missing_archive_is_named_with_the_answer_of_the_server(
    tmp_path: Path, served: fakes.Releases, pins: Pins
) -> None:
    del served.files[DAPRD]

    with pytest.raises(ReleaseError, match=r"daprd_linux_amd64\.tar\.gz: the server answered 404"):
        download(tmp_path, pins)

    assert served.asked == [DAPRD], "after the first failure nothing else may be asked"


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ("silent", r"nothing came|cannot be reached|no answer"),
        ("stall", r"nothing came for 0\.8 s"),
        ("trickle", "the time for downloads is used up"),
        ("broken off", "the connection broke off after"),
    ],
)
def test_a_bad_connection_is_given_up_within_its_limit(
    tmp_path: Path, served: fakes.Releases, pins: Pins, manner: str, message: str
) -> None:
    served.broken[DAPRD] = manner
    started = time.monotonic()

    with pytest.raises(ReleaseError, match=message):
        download(tmp_path, pins)

    assert time.monotonic() - started < 4


def test_a_server_that_is_slow_but_not_stalled_is_waited_for(
    tmp_path: Path, served: fakes.Releases, pins: Pins
) -> None:
    assert fakes.QUICK.connect_seconds < fakes.PAUSE_SECONDS < fakes.QUICK.stall_seconds
    served.broken[DAPRD] = "pause"

    directory, _ = download(tmp_path, pins)

    assert (directory / "daprd").is_file()


def test_a_refused_connection_is_given_up_at_once(tmp_path: Path, pins: Pins) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ReleaseError, match="Connection refused"):
            download(tmp_path, pins, PLAZA_DAPR_MIRROR=mirror)


def test_a_mirror_is_asked_instead_of_github(tmp_path: Path, served: fakes.Releases, pins: Pins) -> None:
    elsewhere = replace(pins, release_url="https://github.invalid")

    download(tmp_path, elsewhere, PLAZA_DAPR_MIRROR=served.url + "/")

    assert len(served.asked) == len(PROGRAMS)


def test_without_a_pinned_checksum_nothing_is_even_downloaded(
    tmp_path: Path, served: fakes.Releases, pins: Pins
) -> None:
    del pins.sha256[SCHEDULER]

    with pytest.raises(ReleaseError, match=r"no checksum is pinned for scheduler 1\.18\.1 on linux-amd64"):
        download(tmp_path, pins)

    assert served.asked == []


def test_a_path_inside_an_archive_never_leaves_the_directory(
    tmp_path: Path, served: fakes.Releases, pins: Pins
) -> None:
    served.files[DAPRD] = fakes.archive({"../../outside": "evil", "../../daprd": fakes.fake_program("daprd", "1.18.1")})
    pins.sha256[DAPRD] = fakes.sha256(served.files[DAPRD])

    directory, _ = download(tmp_path, pins)

    assert (directory / "daprd").is_file()
    assert not list(tmp_path.parent.glob("**/outside"))


def test_a_program_of_another_version_than_its_name_says_is_refused(
    tmp_path: Path, served: fakes.Releases, pins: Pins
) -> None:
    served.files[DAPRD] = fakes.archive({"daprd": fakes.fake_program("daprd", "1.17.0")})
    pins.sha256[DAPRD] = fakes.sha256(served.files[DAPRD])

    with pytest.raises(ReleaseError, match=r"daprd .* does not run here as 1\.18\.1"):
        download(tmp_path, pins)


def test_the_committed_pins_are_well_formed_and_of_the_pinned_versions() -> None:
    pins = read_pins()

    assert pins.unpinned("linux-amd64") == []
    for path, checksum in pins.sha256.items():
        assert len(checksum) == 64, path
        assert int(checksum, 16) > 0, path
        version = pins.release.cli if path.startswith("dapr/cli/") else pins.release.runtime
        assert f"/v{version}/" in path

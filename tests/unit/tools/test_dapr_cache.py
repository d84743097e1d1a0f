"""The per-user cache: complete or absent, made once for all clones, and clean again after an attempt that was killed."""

import fcntl
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools import dapr_fakes as fakes
from tools.dapr import ObtainError, obtain
from tools.dapr.binaries import PROGRAMS
from tools.dapr.cache import DaprCache
from tools.dapr.pins import Pins
from tools.obtain.host import Host


@pytest.fixture
def served() -> Iterator[fakes.Releases]:
    with fakes.releases() as server:
        yield server


@pytest.fixture
def pins(served: fakes.Releases) -> Pins:
    return served.publish(fakes.RELEASE, "linux-amd64")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return fakes.host(tmp_path)


def names(directory: Path) -> list[str]:
    return sorted(place.name for place in directory.iterdir())


def test_the_second_call_downloads_nothing_and_says_one_line(
    tmp_path: Path, served: fakes.Releases, pins: Pins, host: Host
) -> None:
    first = obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK)
    served.asked.clear()
    lines = list[str]()

    second = obtain(lines.append, host=host, pins=pins, limits=fakes.QUICK)

    assert second == first
    assert first.directory == tmp_path / "cache" / "dapr" / "1.18.1-1.16.5-linux-amd64" / ".dapr" / "bin"
    assert names(first.directory) == sorted(PROGRAMS)
    assert served.asked == []
    assert lines == [f"Dapr 1.18.1, CLI 1.16.5 (release): {first.directory}"]


def test_what_a_killed_attempt_left_is_swept_by_the_next(tmp_path: Path, pins: Pins, host: Host) -> None:
    left = tmp_path / "cache" / "dapr" / ".partial-killed" / "set"
    left.mkdir(parents=True)
    (left / "daprd").write_text("half")

    obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK)

    assert names(tmp_path / "cache" / "dapr") == [".lock", "1.18.1-1.16.5-linux-amd64"]


def test_a_set_that_lost_a_program_is_made_anew(pins: Pins, host: Host) -> None:
    binaries = obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK)
    (binaries.directory / "sentry").unlink()

    again = obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK)

    assert again == binaries
    assert names(binaries.directory) == sorted(PROGRAMS)


def test_no_way_at_all_leaves_no_set_and_says_what_to_do(tmp_path: Path, served: fakes.Releases, pins: Pins) -> None:
    served.files.clear()
    fakes.write_go(tmp_path / "go", products=tmp_path / "products", before_build="echo 'x.go:1: bad' >&2; exit 1")
    lines = list[str]()

    with pytest.raises(ObtainError) as caught:
        obtain(
            lines.append,
            host=fakes.host(tmp_path, PATH=f"{tmp_path / 'go'}:/usr/bin:/bin"),
            pins=pins,
            limits=fakes.QUICK,
        )

    assert "x.go:1: bad" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert any("the server answered 404; building Dapr instead" in line for line in lines)
    assert names(tmp_path / "cache" / "dapr") == [".lock", "build.log"]


def test_two_clones_at_once_download_once_and_the_later_says_that_it_waits(
    served: fakes.Releases, pins: Pins, host: Host
) -> None:
    lines = list[str]()
    threads = [
        threading.Thread(
            target=lambda: obtain(lines.append, host=host, pins=pins, limits=fakes.QUICK), name=f"clone-{number}"
        )
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(served.asked) == len(PROGRAMS)
    assert sum("another clone is obtaining programs" in line for line in lines) == 1
    assert sum("(release)" in line for line in lines) == 2


def test_a_set_that_is_there_is_used_without_waiting_for_whoever_holds_the_lock(
    tmp_path: Path, pins: Pins, host: Host
) -> None:
    made = obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK)
    with (tmp_path / "cache" / "dapr" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK) == made


def test_the_wait_for_another_clone_is_bounded(tmp_path: Path, pins: Pins, host: Host) -> None:
    root = tmp_path / "cache" / "dapr"
    root.mkdir(parents=True)
    started = time.monotonic()
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(ObtainError, match=re.escape(str(root / ".lock"))):
            obtain(lambda _: None, host=host, pins=pins, limits=fakes.QUICK)

    assert fakes.QUICK.lock_seconds <= time.monotonic() - started < 4


def test_a_cache_that_cannot_be_written_is_one_clear_line(tmp_path: Path, pins: Pins) -> None:
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(ObtainError, match="set PLAZA_CACHE_DIR"):
        obtain(
            lambda _: None,
            host=fakes.host(tmp_path, PLAZA_CACHE_DIR=str(tmp_path / "file")),
            pins=pins,
            limits=fakes.QUICK,
        )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PLAZA_CACHE_DIR": "/chosen", "XDG_CACHE_HOME": "/xdg"}, "/chosen"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/plaza"),
        ({"XDG_CACHE_HOME": "relative"}, "/of/user/.cache/plaza"),
        ({}, "/of/user/.cache/plaza"),
    ],
)
def test_the_cache_lies_where_the_environment_says(environment: dict[str, str], expected: str) -> None:
    host = Host(system="linux", architecture="amd64", environment={"HOME": "/of/user", **environment})

    assert host.cache_directory == Path(expected)


def test_a_manifest_without_its_programs_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "manifest.json").write_text('{"runtime_version": "1", "cli_version": "1", "origin": "build"}')

    assert DaprCache(tmp_path).find("set") is None

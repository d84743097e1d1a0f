"""`python -m tools.dapr pin`: writes the checksums of all archives of all platforms, or changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools import dapr_fakes as fakes
from tools.dapr.binaries import PROGRAMS
from tools.dapr.pinning import write_pins
from tools.dapr.pins import PINS_FILE, Versions, archive_path, read_pins
from tools.obtain.errors import ObtainError

NEXT = Versions(runtime="1.18.9", cli="1.16.9")
HOSTS = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"]
ONE = archive_path("sentry", NEXT, "darwin-arm64")


@pytest.fixture
def served() -> Iterator[fakes.Releases]:
    with fakes.releases() as server:
        for host_name in HOSTS:
            for program in PROGRAMS:
                path = archive_path(program, NEXT, host_name)
                server.files[path] = path.encode()
                server.files[f"{path}.sha256"] = f"{fakes.sha256(path.encode())}  {path.split('/')[-1]}\n".encode()
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    copy = tmp_path / "pins.json"
    copy.write_bytes(PINS_FILE.read_bytes())
    return copy


def test_every_archive_of_every_platform_gets_its_checksum(tmp_path: Path, served: fakes.Releases, file: Path) -> None:
    host = fakes.host(tmp_path, PLAZA_DAPR_MIRROR=served.url)

    write_pins(["1.18.9", "1.16.9"], host=host, progress=lambda _: None, file=file)

    pins = read_pins(file)
    assert pins.release == NEXT
    assert pins.build == read_pins().build, "what is built has its own go.mod, and is not raised by this"
    assert len(pins.sha256) == len(HOSTS) * len(PROGRAMS)
    assert pins.sha256[ONE] == fakes.sha256(ONE.encode())
    release = json.loads(file.read_text())["release"]
    assert release["url"] == "https://github.com"
    assert release["source"].startswith("Downloaded")


@pytest.mark.parametrize("spoil", ["missing", "different"])
def test_an_archive_that_is_missing_or_is_not_what_is_published_changes_nothing(
    tmp_path: Path, served: fakes.Releases, file: Path, spoil: str
) -> None:
    if spoil == "missing":
        del served.files[ONE]
    else:
        served.files[ONE] = b"tampered with"

    with pytest.raises(ObtainError, match=r"sentry_darwin_arm64\.tar\.gz.*pins\.json is unchanged"):
        write_pins(
            ["1.18.9", "1.16.9"],
            host=fakes.host(tmp_path, PLAZA_DAPR_MIRROR=served.url),
            progress=lambda _: None,
            file=file,
        )

    assert file.read_bytes() == PINS_FILE.read_bytes()

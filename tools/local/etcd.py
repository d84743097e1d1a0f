"""etcd as a cluster of three on loopback: one member may be lost, and the shop goes on."""

from pathlib import Path

from tools.local.backend import Backend
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.ports import BackendPorts
from tools.local.waiting import answers_ok

MEMBERS = ("etcd-1", "etcd-2", "etcd-3")


def etcd_endpoints(ports: BackendPorts) -> str:
    """What a client is told: every member."""
    return ",".join(f"127.0.0.1:{ports[member]}" for member in MEMBERS)


def etcd(home: Home, directory: Path, member: str, *, ports: BackendPorts) -> Backend:
    """One member; it is ready once the cluster has a leader, so two of them must start side by side.

    Raises: LocalError when the cluster was made on other ports.
    """
    data = home.root / member
    data.mkdir(exist_ok=True, mode=0o700)
    client, peer = (f"http://127.0.0.1:{ports[name]}" for name in (member, f"{member} peer"))
    cluster = ",".join(f"{one}=http://127.0.0.1:{ports[f'{one} peer']}" for one in MEMBERS)
    _require_offset(home.root / f"{member}.offset", ports.offset)
    return Backend(
        name=member,
        command=[
            *(str(directory / "etcd"), "--name", member, "--data-dir", str(data), "--log-level", "error"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", cluster, "--initial-cluster-state", "new"),
            *("--auto-compaction-mode", "periodic", "--auto-compaction-retention", "5m"),
            *("--quota-backend-bytes", str(8 * 2**30), "--max-txn-ops", "512"),
        ],
        log=home.logs / f"{member}.log",
        is_ready=lambda: answers_ok(f"{client}/health"),
        details={"host": "127.0.0.1", **ports.of(member)},
        ready_within_seconds=60,
    )


def _require_offset(noted: Path, offset: int) -> None:
    """The members keep each other's addresses with their data, and would find nobody on other ports."""
    if not noted.exists():
        noted.write_text(str(offset))
    elif (made_with := noted.read_text()) != str(offset):
        raise LocalError(
            "etcd's members keep each other's ports with the shop's data: "
            f"start it with PLAZA_PORT_OFFSET={made_with}, or delete the data with make reset."
        )

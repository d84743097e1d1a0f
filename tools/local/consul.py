"""Consul as one agent on loopback, which is its own server: sidecars register here and find each other."""

from pathlib import Path

from tools.local.backend import Backend
from tools.local.home import Home
from tools.local.ports import BackendPorts
from tools.local.waiting import answers_ok


def consul(home: Home, directory: Path, *, ports: BackendPorts) -> Backend:
    """`directory` holds the program. What is registered outlives it: sidecars register only when they start."""
    data = home.root / "consul"
    data.mkdir(exist_ok=True, mode=0o700)
    http, lan, rpc = ports["consul"], ports["consul lan"], ports["consul rpc"]
    return Backend(
        name="consul",
        command=[
            *(str(directory / "consul"), "agent", "-server", "-bootstrap-expect=1", "-ui"),
            *("-data-dir", str(data), "-node", "plaza", "-log-level", "warn"),
            *("-hcl", "performance { raft_multiplier = 1 }", "-hcl", "disable_update_check = true"),
            *("-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", str(http), "-server-port", str(rpc)),
            *("-serf-lan-port", str(lan), "-serf-wan-port=-1", "-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1"),
        ],
        log=home.logs / "consul.log",
        is_ready=lambda: answers_ok(f"http://127.0.0.1:{http}/v1/catalog/services"),  # refused until there is a leader
        details={"host": "127.0.0.1", **ports.of("consul"), "console": f"http://127.0.0.1:{http}/ui"},
    )

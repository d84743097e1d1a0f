"""The measure itself: a second shop whose apps do nothing, and the stores by the benchmarks that came with them."""

import re
import shutil
import subprocess
import uuid
from pathlib import Path

import yaml

from tools.bench.client import Http, UnexpectedAnswer
from tools.local.home import Home
from tools.local.postgres import BIN
from tools.local.variant import vary

ACTORS = 200
PGBENCH_SECONDS = 5
_UNUSED_RESOURCES = ("config/subscriptions",)


def limit_run_file(directory: Path) -> Path:
    """The run file of a shop like ours, in the empty `directory`, whose every app is `tools.bench.limit_app`."""
    path = vary(directory, {})
    content = yaml.safe_load(path.read_text())
    path.unlink()
    common = content["common"]
    common["resourcesPaths"] = [folder for folder in common["resourcesPaths"] if folder not in _UNUSED_RESOURCES]
    for entry in content["apps"]:
        entry["command"] = [entry["command"][0], "-m", "tools.bench.limit_app"]
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


class Limits:
    """What can be asked of it. `http` has no base address: each app is asked at its own port."""

    def __init__(self, http: Http, ports: dict[str, int]) -> None:
        self._http, self._ports = http, ports
        self._run = uuid.uuid4().hex

    async def bare(self, _: int) -> None:
        await self._http.ask("GET", self._at("gateway", "/api/v1/bench"))

    async def invoke(self, _: int) -> None:
        await self._http.ask("GET", self._at("gateway", "/bench/invoke"))

    async def direct(self, _: int) -> None:
        await self._http.ask("GET", self._at("gateway", f"/bench/direct/{self._ports['catalog']}"))

    async def call_actor(self, number: int) -> None:
        body = {"product": "prd_0", "quantity": number}
        await self._http.ask("POST", self._at("orders", f"/bench/actors/bench-{number % ACTORS}"), body)

    async def run_workflow(self, number: int) -> None:
        path = f"/bench/workflows/{self._run}-{uuid.uuid4().hex[:8]}-{number}"
        _, content, _ = await self._http.ask("POST", self._at("checkout", path))
        if b"COMPLETED" not in content:
            raise UnexpectedAnswer(f"{path}: {content[:200]!r}")

    def _at(self, app_id: str, path: str) -> str:
        return f"http://127.0.0.1:{self._ports[app_id]}{path}"


def pgbench(home: Home) -> str:
    """What PostgreSQL says of itself: TPC-B-like transactions of 4 clients, fsync on. A word for it when it cannot be had."""
    if not (BIN / "pgbench").exists():
        return "no pgbench in this installation"
    at = ["-h", str(home.postgres_socket_directory), "-U", "postgres"]
    subprocess.run([str(BIN / "createdb"), *at, "bench"], check=True, capture_output=True)
    subprocess.run([str(BIN / "pgbench"), *at, "-i", "-q", "-s", "2", "bench"], check=True, capture_output=True)
    run = [str(BIN / "pgbench"), *at, "-c", "4", "-T", str(PGBENCH_SECONDS), "bench"]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    return f"{float(found[1]):.0f} transactions/s" if found else "no answer"


def redis_benchmark(port: int, password: str) -> str:
    """What Redis says of itself: SET and XADD of 16 clients. A word for it where its benchmark is not installed, as with the wheel's."""
    program = shutil.which("redis-benchmark")
    if program is None:
        return "no redis-benchmark on this machine (the wheel brings none)"
    run = [program, "-p", str(port), "-a", password, "-c", "16", "-n", "50000", "-q", "-t", "set,get"]
    said = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout
    return ", ".join(re.findall(r"\w+: [\d.]+ requests per second", said)) or "no answer"

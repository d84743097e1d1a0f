"""Moves a stopped shop: looks whether it may be moved, copies what it has stored, starts it on the new store and audits it there."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from apps.shared.platform.sidecar import Sidecar, SidecarError
from tools.audit.__main__ import audit, written
from tools.local.api import admin_of
from tools.local.backends import dapr_binaries, start_backends, stop_backends
from tools.local.components import require_sound
from tools.local.environment import base_environment
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.ports import BackendPorts, find_free_port, require_free
from tools.local.processes import ProcessTable, stop
from tools.local.readiness import wait_until_ready
from tools.local.run_file import RunFile, fitting_run_file
from tools.local.secret_file import ensure_api_tokens, ensure_secrets
from tools.local.shop import Shop
from tools.local.sidecars import Sidecars
from tools.local.stopping import stop_leftovers
from tools.migrate.actors import find_running, only_actors, read_carts, write_carts
from tools.migrate.contents import STORES, WALKS, Found
from tools.migrate.documents import WITNESS, Copier, Reader, bulk_get
from tools.migrate.stores import SOURCE, TARGET, both_stores

MARK = "migration"
"""A document of each app in a store that a move has filled, or has begun to fill."""

NAMED_ORDERS = 3
Progress = Callable[[str], None]
Carts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """Of which shop, from what to what; `words` choose the rest of its stack."""

    home: Home
    source: str
    target: str
    words: tuple[str, ...] = ()
    port_offset: int = 0

    def run_file(self, state: str, gateway_port: int) -> RunFile:
        return fitting_run_file(
            PROJECT / "dapr.yaml",
            self.home,
            port_offset=self.port_offset,
            gateway_port=gateway_port,
            words=(*self.words, f"STATE={state}"),
        )


@contextmanager
def moved(move: Move, *, progress: Progress, environment: Mapping[str, str] | None = None) -> Iterator[Shop]:
    """Inside the block the shop serves on its new store, audited, at a port that its customers do not know.

    The old store stays as it was. Raises: LocalError when the shop may not be moved, or is not whole afterwards; nothing runs then.
    """
    if move.source == move.target:
        raise LocalError(f"FROM and TO are both {move.source}: there is nothing to move.")
    gateway_port = find_free_port()
    carts = _copy(move, gateway_port, base_environment(environment), progress)
    with Shop(
        move.home,
        progress=progress,
        port_offset=move.port_offset,
        gateway_port=gateway_port,
        environment=environment,
        words=(*move.words, f"STATE={move.target}"),
    ) as shop:
        port = json.loads(move.home.run_json.read_text())["apps"]["carts"]["dapr_http_port"]
        asyncio.run(_put_carts(Sidecar(port=port, token=_token(move.home)), carts))
        progress(f"{len(carts)} carts are in place")
        report = audit(admin_of(move.home), grace=timedelta(seconds=60))
        progress(f"the audit on {move.target}:\n{written(report)}")
        if report.breaches:
            raise LocalError(f"The audit finds the shop on {move.target} not whole: go on with STATE={move.source}.")
        yield shop


def _copy(move: Move, gateway_port: int, base: Mapping[str, str], progress: Progress) -> Carts:
    """Copies the documents; the carts, which only a running shop takes."""
    home, table = move.home, ProcessTable(move.home.root)
    if not home.secrets.exists():
        raise LocalError(f"There is no shop in {home.root} to be moved.")
    home.create()
    with home.locked():
        stop_leftovers(table)
        target, source = (move.run_file(state, gateway_port) for state in (move.target, move.source))
        if source.stack.own:
            raise LocalError(
                f"{', '.join(dict(source.stack.own))} have stores of their own: such a shop is moved by hand."
            )
        require_free(source.named_ports)
        for run_file in (source, target):
            _require_sound(run_file, home, move.port_offset)
        try:
            binaries = dapr_binaries(progress)
            # A Redis that is to keep records writes them to the disk at once only if it is started for that.
            for run_file in sorted((source, target), key=lambda one: one.stack.state != "redis"):
                running = start_backends(
                    home,
                    binaries,
                    BackendPorts(move.port_offset),
                    stack=run_file.stack,
                    table=table,
                    base=base,
                    progress=progress,
                )
            environment = {**base, **running.environment, "PATH": f"{binaries}:{base.get('PATH', '')}"}
            states = (move.source, move.target)
            with both_stores(home, source, table, environment, states=states) as sidecar:
                found = asyncio.run(_inspect(sidecar, move))
                sidecars = Sidecars(home, only_actors(source), table)
                sidecars.start(binaries, environment)
                try:
                    wait_until_ready(sidecars, logs=home.logs, progress=progress)
                    carts = asyncio.run(_ask_actors(source, _token(home), found))
                    asyncio.run(_copy_documents(sidecar, move, progress))
                finally:
                    sidecars.stop(started=True)
        except SidecarError as error:
            raise LocalError(f"A sidecar failed in the midst of the move: {error}") from error
        finally:
            stop_backends(table)
            stop(table.list_marked())
            table.reap()
    return carts


async def _inspect(sidecar: Sidecar, move: Move) -> Found:
    """Looks into both stores and writes nothing. Raises: LocalError when the shop may not be moved."""
    try:
        for app_id in STORES:
            if await bulk_get(sidecar, f"{TARGET}-{app_id}", [WITNESS, MARK]):
                raise LocalError(
                    f"STATE={move.target} is not empty: {app_id} has documents there. Nothing was written."
                )
            if not await bulk_get(sidecar, f"{SOURCE}-{app_id}", [WITNESS]):
                raise LocalError(f"STATE={move.source} has no documents of {app_id}: no shop has run on it.")
        found = Found()
        for app_id in ("orders", "users"):
            await WALKS[app_id](Reader(sidecar, f"{SOURCE}-{app_id}"), found)
        require_ended(found.under_way)
        return found
    finally:
        await sidecar.close()


async def _ask_actors(run_file: RunFile, token: str, found: Found) -> Carts:
    """The carts. Raises: LocalError while a workflow is under way."""
    clients = {app.app_id: Sidecar(port=app.dapr_http_port, token=token) for app in run_file.apps}
    try:
        require_ended(await find_running(clients["checkout"], found.order_ids))
        return await read_carts(clients["carts"], found.user_ids)
    finally:
        for client in clients.values():
            await client.close()


async def _copy_documents(sidecar: Sidecar, move: Move, progress: Progress) -> None:
    try:
        for app_id in STORES:
            mark = {"key": MARK, "value": orjson.dumps({"from": move.source}).decode()}
            await sidecar.call("POST", f"/v1.0/state/{TARGET}-{app_id}", json=[mark])
        found = Found()
        for app_id, walk in WALKS.items():
            copier = Copier(sidecar, f"{SOURCE}-{app_id}", f"{TARGET}-{app_id}")
            await walk(copier, found)
            progress(f"{app_id}: {copier.count} documents are copied and read back")
    finally:
        await sidecar.close()


async def _put_carts(sidecar: Sidecar, carts: Carts) -> None:
    try:
        await write_carts(sidecar, carts)
    finally:
        await sidecar.close()


def require_ended(order_ids: list[str]) -> None:
    """Raises: LocalError when there are any."""
    if order_ids:
        named = ", ".join(order_ids[:NAMED_ORDERS]) + (", …" if len(order_ids) > NAMED_ORDERS else "")
        raise LocalError(
            f"{len(order_ids)} orders are under way, and workflows cannot be moved: start the shop as it was, wait until they have"
            f" ended, stop it and try again ({named})."
        )


def _require_sound(run_file: RunFile, home: Home, port_offset: int) -> None:
    secrets = ensure_secrets(home, BackendPorts(port_offset))
    require_sound(run_file.resources, app_ids=frozenset(app.app_id for app in run_file.apps), secrets=secrets)


def _token(home: Home) -> str:
    return ensure_api_tokens(home)["DAPR_API_TOKEN"]

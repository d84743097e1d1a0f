"""What lives in actors: carts, asked for and put back one by one, and workflows, which must have ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import yaml

from apps.carts.actors import ACTOR_TYPE
from apps.shared.contracts.checkout import cancellation_id
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.workflows import Workflows
from tools.local.run_file import RunFile, read_run_file

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16
APPS = ("carts", "checkout")
LEFT_OUT = (
    "components/pubsub-",
    "components/former-",
    "components/email-",
    "components/cache-",
    "config/subscriptions",
    "config/access",
)
"""What would let events in, or names apps that are not there."""


def only_actors(run_file: RunFile) -> RunFile:
    """The run file of a shop in which carts can be read and workflows be asked for, and nothing else goes on."""
    content = yaml.safe_load(run_file.path.read_text())
    content["apps"] = [entry for entry in content["apps"] if entry["appID"] in APPS]
    paths = content["common"]["resourcesPaths"]
    content["common"]["resourcesPaths"] = [path for path in paths if not path.startswith(LEFT_OUT)]
    path = run_file.path.with_name("actors.yaml")
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return read_run_file(path)


async def find_running(checkout: Sidecar, order_ids: Iterable[str]) -> list[str]:
    """The orders of which a workflow has not ended. Raises SidecarError."""
    workflows = Workflows(checkout, grpc_port=0, token="")

    async def running(order_id: str) -> str | None:
        found = [await workflows.find(one) for one in (order_id, cancellation_id(order_id))]
        return order_id if any(instance and instance.is_running for instance in found) else None

    return [order_id for order_id in await _each(order_ids, running) if order_id is not None]


async def read_carts(carts: Sidecar, cart_ids: Iterable[str]) -> dict[str, Any]:
    """The carts that are not empty, by id. Raises SidecarError."""

    async def one(cart_id: str) -> tuple[str, Any]:
        return cart_id, await carts.call("POST", f"/v1.0/actors/{ACTOR_TYPE}/{cart_id}/method/get", json={})

    return {cart_id: cart for cart_id, cart in await _each(cart_ids, one) if any(cart.values())}


async def write_carts(carts: Sidecar, contents: dict[str, Any]) -> None:
    """Put them into carts that are empty. Raises SidecarError."""

    async def one(cart_id: str) -> None:
        actor = f"/v1.0/actors/{ACTOR_TYPE}/{cart_id}"
        await carts.call("POST", f"{actor}/method/get", json={})  # a sidecar takes state for an actor that is awake
        request = {"key": "cart", "value": contents[cart_id]}
        await carts.call("POST", f"{actor}/state", json=[{"operation": "upsert", "request": request}])

    await _each(contents, one)


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))

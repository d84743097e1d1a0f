"""Changes what the services have stored behind their backs, as a test that plants a breach must."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from apps.shared.contracts.checkout import CHECKOUT_WORKFLOW, StartCheckout
from apps.shared.contracts.orders import OrderPaid
from apps.shared.platform.sidecar import Sidecar
from apps.shared.platform.state import StateStore, Transaction

T = TypeVar("T")

STORES = {
    "orders": "private-store",
    "payments": "private-store",
    "inventory": "statestore",
    "notifications": "statestore",
}


class Vault:
    """The documents of the services, changed behind their backs, and as they were again at the end."""

    def __init__(self, run_json: dict[str, Any], api_token: str) -> None:
        self._sidecars = {
            app_id: Sidecar(port=run_json["apps"][app_id]["dapr_http_port"], token=api_token)
            for app_id in (*STORES, "checkout")
        }
        self._repairs: list[Callable[[], Awaitable[object]]] = []

    async def change(self, app_id: str, key: str, kind: type[T], change: Callable[[T], T | None]) -> None:
        """Put what `change` makes of a document; None takes it away."""
        state = StateStore(self._sidecars[app_id], STORES[app_id])

        def decide(transaction: Transaction) -> T:
            found = transaction.find(key, kind)
            assert found is not None, f"{app_id} has no {key}"
            changed = change(found)
            if changed is None:
                transaction.delete(key)
            else:
                transaction.put(key, changed)
            return found

        original = await state.transact([key], decide)
        self._repairs.append(lambda: state.transact([key], lambda transaction: transaction.put(key, original)))

    async def start_checkout(self, start: StartCheckout) -> None:
        """Run a saga under the order's id."""
        path = f"/v1.0/workflows/dapr/{CHECKOUT_WORKFLOW}/start"
        sidecar = self._sidecars["checkout"]
        await sidecar.call("POST", path, json=start.model_dump(mode="json"), params={"instanceID": start.order_id})
        terminate = f"/v1.0/workflows/dapr/{start.order_id}/terminate"
        self._repairs.append(lambda: sidecar.call("POST", terminate))

    async def bury(self, event: OrderPaid, consumer: str) -> str:
        """Have an event among the dead letters of a consumer, under the id that this returns."""
        topic = f"{consumer}-dead-letters"
        parameters = {"metadata.cloudevent.id": event.event_id, "metadata.cloudevent.type": event.type}
        await self._sidecars["orders"].call(
            "POST", f"/v1.0/publish/pubsub/{topic}", json=event.model_dump(mode="json"), params=parameters
        )
        return f"dlt_{hashlib.sha256(event.event_id.encode()).hexdigest()[:26]}"

    async def repair(self) -> None:
        while self._repairs:
            await self._repairs.pop()()

    async def close(self) -> None:
        await self.repair()
        for sidecar in self._sidecars.values():
            await sidecar.close()

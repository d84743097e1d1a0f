"""Starts and looks at workflow instances of this app through its sidecar's workflow API."""

from typing import Any

from apps.shared.platform.sidecar import Sidecar, SidecarError

_UNKNOWN_INSTANCE = "ERR_INSTANCE_ID_NOT_FOUND"
RUNNING = frozenset({"PENDING", "RUNNING", "SUSPENDED", "CONTINUED_AS_NEW"})


class Workflows:
    """The workflows that this app hosts."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def schedule(self, name: str, instance_id: str, payload: dict[str, Any]) -> None:
        """Start `name` under `instance_id`. Starting a finished id runs it again, so its steps must be idempotent. Raises SidecarError."""
        await self._sidecar.call(
            "POST", f"/v1.0/workflows/dapr/{name}/start", json=payload, params={"instanceID": instance_id}
        )

    async def find_status(self, instance_id: str) -> str | None:
        """Dapr's `runtimeStatus` (`RUNNING`, `COMPLETED`, …), None for an instance that does not exist or was purged."""
        try:
            answer = await self._sidecar.call("GET", f"/v1.0/workflows/dapr/{instance_id}")
        except SidecarError as error:
            if error.code == _UNKNOWN_INSTANCE or error.status == 404:
                return None
            raise
        return str(answer["runtimeStatus"])

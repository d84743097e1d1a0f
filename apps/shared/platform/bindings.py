"""Calls Dapr output bindings: mail servers and the like, named by their component."""

from apps.shared.platform.sidecar import Sidecar


class OutputBinding:
    """One output binding component."""

    def __init__(self, sidecar: Sidecar, component: str) -> None:
        self._sidecar, self._path = sidecar, f"/v1.0/bindings/{component}"

    async def create(self, data: str, metadata: dict[str, str]) -> None:
        """Send `data`. It may be sent twice when the answer is lost. Raises SidecarError."""
        await self._sidecar.call("POST", self._path, json={"operation": "create", "data": data, "metadata": metadata})

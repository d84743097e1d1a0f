"""The workflows of a running shop, as the sidecar of `checkout` knows them."""

from typing import Any

from tests.support.client import Answer, Client, eventually

_UNKNOWN = b"ERR_INSTANCE_ID_NOT_FOUND"


class Workflows:
    """Asked for by instance id: for a checkout that is the order's."""

    def __init__(self, run_json: dict[str, Any], api_token: str) -> None:
        self._url = f"http://127.0.0.1:{run_json['apps']['checkout']['dapr_http_port']}"
        self._api_token = api_token

    async def find(self, order_id: str) -> dict[str, Any] | None:
        """None for one that does not exist. Asks again where daprd 1.18.2 answers 500, as now and then for one that it writes meanwhile."""
        answer = await eventually(
            lambda: self._call("GET", order_id), lambda answer: answer.status != 500 or _UNKNOWN in answer.body
        )
        return None if _UNKNOWN in answer.body else answer.expect(200)

    async def purge(self, order_id: str) -> None:
        (await self._call("POST", f"{order_id}/purge")).expect(202)

    async def ended(self, order_id: str) -> dict[str, Any]:
        await eventually(lambda: self.status(order_id), lambda status: status == "COMPLETED")
        return await self.find(order_id) or {}

    async def status(self, order_id: str) -> str:
        """Dapr's `runtimeStatus`; empty where there is no such workflow."""
        return str((await self.find(order_id) or {}).get("runtimeStatus", ""))

    async def _call(self, method: str, path: str) -> Answer:
        async with Client(self._url) as sidecar:
            return await sidecar.call(method, f"/v1.0/workflows/dapr/{path}", dapr_api_token=self._api_token)

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
        return await eventually(
            lambda: self._existing(order_id), lambda workflow: workflow["runtimeStatus"] == "COMPLETED"
        )

    async def status(self, order_id: str) -> str:
        """Dapr's `runtimeStatus`."""
        return str((await self._existing(order_id))["runtimeStatus"])

    async def _existing(self, order_id: str) -> dict[str, Any]:
        workflow = await self.find(order_id)
        assert workflow is not None, f"there is no workflow {order_id}"
        return workflow

    async def _call(self, method: str, path: str) -> Answer:
        async with Client(self._url) as sidecar:
            return await sidecar.call(method, f"/v1.0/workflows/dapr/{path}", dapr_api_token=self._api_token)

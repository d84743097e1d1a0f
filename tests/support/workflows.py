"""The workflows of a running shop, as the sidecar of `checkout` knows them."""

from typing import Any

from tests.support.client import Answer, Client, eventually


class Workflows:
    """Asked for by instance id: for a checkout that is the order's."""

    def __init__(self, run_json: dict[str, Any], api_token: str) -> None:
        self._url = f"http://127.0.0.1:{run_json['apps']['checkout']['dapr_http_port']}"
        self._api_token = api_token

    async def find(self, order_id: str) -> dict[str, Any] | None:
        answer = await self._call("GET", order_id)
        return None if b"ERR_INSTANCE_ID_NOT_FOUND" in answer.body else answer.expect(200)

    async def purge(self, order_id: str) -> None:
        (await self._call("POST", f"{order_id}/purge")).expect(202)

    async def ended(self, order_id: str) -> dict[str, Any]:
        """Daprd 1.18.2 answers 500 now and then about one that it writes meanwhile."""
        return dict(
            (await eventually(lambda: self._call("GET", order_id), lambda answer: b"COMPLETED" in answer.body)).expect(
                200
            )
        )

    async def status(self, order_id: str) -> str:
        """Dapr's `runtimeStatus`; empty for the 500 by which daprd 1.18.2 answers now and then about one that it writes meanwhile."""
        answer = await self._call("GET", order_id)
        return "" if answer.status == 500 else str(answer.expect(200)["runtimeStatus"])

    async def _call(self, method: str, path: str) -> Answer:
        async with Client(self._url) as sidecar:
            return await sidecar.call(method, f"/v1.0/workflows/dapr/{path}", dapr_api_token=self._api_token)

"""Calls from one service to another through Dapr service invocation, with the caller's contract models in and out."""

from typing import TypeVar

from pydantic import BaseModel

from apps.shared.platform.sidecar import Answer, Sidecar, SidecarError

M = TypeVar("M", bound=BaseModel)


class PeerRefused(Exception):
    """The called service answered with a client error (4xx): asking again will not help."""

    def __init__(self, app_id: str, status: int, detail: str) -> None:
        super().__init__(f"{app_id} answered {status}: {detail}")
        self.app_id, self.status, self.detail = app_id, status, detail


class Peer:
    """Another Plaza service, by its Dapr app id. Retries and time limits are the sidecar's (config/resiliency.yaml)."""

    def __init__(self, sidecar: Sidecar, app_id: str) -> None:
        self._sidecar, self._app_id = sidecar, app_id

    async def get(self, path: str, answer: type[M], *, params: dict[str, str] | None = None) -> M:
        """Raises PeerRefused on a 4xx, SidecarError when the service does not answer or fails."""
        return answer.model_validate_json((await self._exchange("GET", path, None, params)).body)

    async def find(self, path: str, answer: type[M]) -> M | None:
        """Like `get`, None on a 404."""
        try:
            return await self.get(path, answer)
        except PeerRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    async def post(self, path: str, message: BaseModel, answer: type[M]) -> M:
        """Raises as `get`. May reach the service more than once: it must be idempotent there."""
        return answer.model_validate_json((await self._exchange("POST", path, message, None)).body)

    async def _exchange(
        self, method: str, path: str, message: BaseModel | None, params: dict[str, str] | None
    ) -> Answer:
        body = message.model_dump_json().encode() if message is not None else None
        answer = await self._sidecar.request(
            method,
            f"/v1.0/invoke/{self._app_id}/method{path}",
            body=body,
            headers={"content-type": "application/json"} if body is not None else None,
            params=params,
        )
        if answer.status >= 400:
            code, text = answer.dapr_error()
            if answer.status >= 500 or code:
                raise SidecarError(f"{method} {self._app_id}{path}", answer.status, code, text)
            raise PeerRefused(self._app_id, answer.status, text)
        return answer

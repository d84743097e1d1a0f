"""Recurring work of a service, triggered by Dapr's scheduler, so that one replica a tick does it and none forgets it."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from apps.shared.platform.sidecar import Sidecar


class Job:
    """Calls `work` on `schedule` (`@every 1m`, or a cron line of 6 fields). `work` must be idempotent and may run late."""

    def __init__(self, name: str, schedule: str, work: Callable[[], Awaitable[object]]) -> None:
        self.name, self._schedule, self._work = name, schedule, work

    async def register(self, sidecar: Sidecar) -> None:
        """Create or replace the job in the scheduler. Raises SidecarError."""
        body = {
            "schedule": self._schedule,
            "overwrite": True,
            "data": {"job": self.name},
        }  # daprd fails on a job without data
        await sidecar.call("POST", f"/v1.0-alpha1/jobs/{self.name}", json=body)

    def router(self) -> APIRouter:
        """The route that the sidecar calls."""
        router = APIRouter(include_in_schema=False)

        async def run() -> dict[str, str]:
            await self._work()
            return {"status": "SUCCESS"}

        router.add_api_route(f"/job/{self.name}", run, methods=["POST"])
        return router

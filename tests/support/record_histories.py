"""Records sagas of a running shop for `tests/workflows/test_replay.py`: `python -m tests.support.record_histories`.

Takes the shop in PLAZA_HOME or `.plaza`. Writes one history for each way in which a checkout can end, named after it and its version.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import psutil

from apps.shared.contracts.checkout import cancellation_id
from tests.support.client import Client, eventually
from tests.support.histories import read_history, save, version_of
from tools.local.home import Home

HISTORIES = Path(__file__).parents[1] / "workflows" / "histories"
UNITS = 5


async def record(home: Home) -> None:
    run_json = json.loads(home.run_json.read_text())
    api_token = json.loads((home.root / "api-tokens.json").read_text())["DAPR_API_TOKEN"]
    grpc_port = int(psutil.Process(run_json["apps"]["checkout"]["app_pid"]).environ()["DAPR_GRPC_PORT"])

    async def keep(name: str, instance_id: str) -> None:
        async def look() -> list[Any]:
            try:
                return await read_history(grpc_port, api_token, instance_id)
            except grpc.aio.AioRpcError:  # read in the midst of being written
                return []

        events = await eventually(look, lambda found: bool(found) and found[-1].HasField("executionCompleted"))
        save(HISTORIES / f"{name}-{version_of(events)}.json", events)

    url = run_json["gateway_url"]
    async with Client(url) as admin, Client(url) as shopper:
        await admin.login(run_json["admin"]["email"], run_json["admin"]["password"])
        await shopper.register()
        product = await admin.new_product(quantity=UNITS)

        async def order(name: str, token: str = "tok_visa", *, quantity: int = 1, cancel: bool = False) -> str:
            await shopper.fill_cart(product["id"], quantity)
            order_id = str((await shopper.place(token)).expect(202)["id"])
            if cancel:
                (await shopper.call("POST", f"/api/v1/orders/{order_id}/cancel")).expect(202)
            await shopper.follow(order_id)
            await keep(name, order_id)
            return order_id

        await order("out-of-stock", quantity=UNITS + 1)
        await order("declined", "tok_chargeDeclined")
        await order("capture-failed", "tok_captureFails")
        await order("cancelled-underway", cancel=True)
        await order("late-provider", "tok_timeout")
        paid = await order("paid")
        (await shopper.call("POST", f"/api/v1/orders/{paid}/cancel")).expect(202)
        await shopper.follow(paid, "cancelled")
        await keep("cancellation", cancellation_id(paid))


if __name__ == "__main__":
    asyncio.run(record(Home.from_environment()))

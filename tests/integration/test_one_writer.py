"""Where the transactions of a store are not atomic, a second replica of an app is refused and says why."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client, eventually
from tests.support.replica import second_replica


@pytest.mark.has_one_writer("inventory")
async def test_a_second_replica_is_refused_with_the_reason(
    admin: Client, run_json: dict[str, Any], tmp_path: Path
) -> None:
    product = await admin.new_product(quantity=1)
    receipt = {"warehouse": "east", "quantity": 1}

    async def what_it_says() -> str:
        """After a receipt, for the first replica keeps its lease while it writes; what reaches the second one is not answered."""
        await admin.call("POST", f"/api/v1/inventory/{product['sku']}/receipts", receipt)
        return (tmp_path / "app.log").read_text()

    with second_replica(run_json, "inventory", tmp_path, becomes_ready=False):
        said = await eventually(what_it_says, lambda said: "so one replica of an app may write" in said, seconds=60)
    assert "write to statestore: 503 ERR_ANOTHER_REPLICA" in said
    await eventually(
        lambda: admin.call("GET", f"/api/v1/inventory/{product['sku']}"), lambda answer: answer.status == 200
    )

"""Why a start failed is one line with the component's name and the cause, out of what real sidecars have logged."""

from pathlib import Path

import pytest

from tools.local.diagnosis import explain_sidecar
from tools.local.errors import LocalError
from tools.local.logs import sidecar_log
from tools.local.readiness import STORE_ANSWERS_WITHIN_SECONDS, StoreWatch

FAILURE = "[INIT_COMPONENT_FAILURE]: initialization error occurred for"
STORE_REASON = "Not ready: component statestore: POST /v1.0/state/statestore/bulk: 500 ERR_STATE_BULK_GET context deadline exceeded."
ETCD = (
    '{"level":"warn","logger":"etcd-client","msg":"retrying of unary invoker failed",'
    '"error":"rpc error: connection error: desc = \\"dial tcp 127.0.0.1:9: connect: connection refused\\""}'
)


def line(level: str, message: str) -> str:
    return f'time="2026-11-24T18:40:14Z" level={level} msg="{message}" app_id=orders scope=dapr.runtime'


def said(logs: Path, *lines: str) -> str:
    """The explanation of a sidecar whose log has these lines, without the log's place at its end."""
    sidecar_log(logs, "orders").write_text("".join(f"{one}\n" for one in lines))
    text, _, place = explain_sidecar(logs, "orders").rpartition(" (")
    assert place == f"{sidecar_log(logs, 'orders')})"
    return text


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param(
            [
                line("error", "Failed to init component private-store (state.postgresql/v2): refused"),
                line("fatal", "Fatal error from runtime: it ended"),
            ],
            "component private-store: Failed to init component private-store (state.postgresql/v2): refused",
            id="an earlier error",
        ),
        pytest.param(
            [
                line(
                    "fatal",
                    f"Fatal error from runtime: process component cache error: {FAILURE} cache (state.redis/v1): {FAILURE} cache"
                    " (state.redis/v1): redis store: error connecting to redis at 127.0.0.1:6390: WRONGPASS invalid pair",
                )
            ],
            "component cache (state.redis/v1): redis store: error connecting to redis at 127.0.0.1:6390: WRONGPASS invalid pair",
            id="a wrong password",
        ),
        pytest.param(
            [
                line(
                    "fatal",
                    f"process component statestore error: {FAILURE} statestore (state.postgresql/v2): failed to connect to"
                    " `user=postgres`:\\n\\t127.0.0.1:9: connection refused",
                )
            ],
            "component statestore (state.postgresql/v2): failed to connect to `user=postgres`: 127.0.0.1:9: connection refused",
            id="several lines in one",
        ),
        pytest.param(
            [ETCD],
            'rpc error: connection error: desc = "dial tcp 127.0.0.1:9: connect: connection refused"',
            id="a client that logs by itself",
        ),
        pytest.param(
            [
                line(
                    "error",
                    'Error getting secret: couldn\'t get secret: Get \\"http://127.0.0.1:9\\": connection refused',
                ),
                line(
                    "fatal",
                    f"process component statestore error: {FAILURE} statestore (state.etcd/v2): endpoints required",
                ),
            ],
            'component secretstore: couldn\'t get secret: Get "http://127.0.0.1:9": connection refused',
            id="no secret",
        ),
        pytest.param(
            [
                line(
                    "fatal",
                    f"process component private-store error: {FAILURE} private-store (state.postgresql/v2): failed to extract"
                    " encryption key: couldn't get successful response, status code 403",
                )
            ],
            "component secretstore: couldn't get successful response, status code 403",
            id="no key",
        ),
    ],
)
def test_the_cause_of_a_dead_sidecar_is_its_component(tmp_path: Path, lines: list[str], told: str) -> None:
    assert said(tmp_path, *lines) == told


def test_a_store_that_never_answers_ends_the_start_with_its_name_and_the_cause(tmp_path: Path) -> None:
    said(tmp_path, ETCD)
    stores = StoreWatch(tmp_path)

    stores.look("orders", STORE_REASON, 100.0)
    stores.look("orders", STORE_REASON, 100.0 + STORE_ANSWERS_WITHIN_SECONDS)
    with pytest.raises(LocalError) as caught:
        stores.look("orders", STORE_REASON, 100.1 + STORE_ANSWERS_WITHIN_SECONDS)

    told = str(caught.value)
    assert told.startswith(f"orders: {STORE_REASON} Its sidecar: rpc error")
    assert "connection refused" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "reason", ["", "Not ready: start-up.", "Not ready: component statestore: 503 ERR_ANOTHER_REPLICA …"]
)
def test_a_store_that_answers_again_or_is_leased_has_all_the_time(tmp_path: Path, reason: str) -> None:
    stores = StoreWatch(tmp_path)

    stores.look("orders", STORE_REASON, 100.0)
    stores.look("orders", reason, 110.0)
    stores.look("orders", STORE_REASON, 120.0)
    stores.look("orders", STORE_REASON, 120.0 + STORE_ANSWERS_WITHIN_SECONDS)

"""Composition root of checkout: hosts the workflows and runs the app that starts them."""

from collections.abc import Mapping
from functools import partial

from fastapi import FastAPI

from apps.shared.contracts.checkout import CANCELLATION_WORKFLOW, CHECKOUT_WORKFLOW
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.steps import WorkflowWorker
from apps.shared.platform.workflows import Workflows
from workflows.checkout.plan import CHECKOUT_VERSIONS, Step
from workflows.checkout.routes import build_router
from workflows.checkout.saga import cancellation, checkout
from workflows.checkout.settings import CheckoutSettings


def build_app(settings: CheckoutSettings, plans: Mapping[str, tuple[Step, ...]] = CHECKOUT_VERSIONS) -> FastAPI:
    sidecar = settings.sidecar()
    worker = WorkflowWorker(sidecar)
    worker.host(CHECKOUT_WORKFLOW, {version: partial(checkout, plan=plan) for version, plan in plans.items()})
    worker.host(CANCELLATION_WORKFLOW, {"1": cancellation})
    workflows = Workflows(sidecar, grpc_port=settings.dapr_grpc_port, token=settings.dapr_api_token.get_secret_value())
    return create_app(
        settings,
        sidecar=sidecar,
        routers=[build_router(workflows)],
        stores=[],
        statuses={},
        worker=worker,
        on_stop=[workflows.close],
    )


if __name__ == "__main__":
    settings = CheckoutSettings()
    serve(build_app(settings), settings)

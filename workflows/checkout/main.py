"""Composition root of checkout: hosts the workflows and runs the app that starts them."""

from fastapi import FastAPI

from apps.shared.contracts.checkout import CANCELLATION_WORKFLOW, CHECKOUT_WORKFLOW
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.steps import WorkflowWorker
from apps.shared.platform.workflows import Workflows
from workflows.checkout.routes import build_router
from workflows.checkout.saga import cancellation, checkout
from workflows.checkout.settings import CheckoutSettings


def build_app(settings: CheckoutSettings) -> FastAPI:
    sidecar = settings.sidecar()
    worker = WorkflowWorker(sidecar)
    worker.host(CHECKOUT_WORKFLOW, checkout)
    worker.host(CANCELLATION_WORKFLOW, cancellation)
    return create_app(settings, sidecar=sidecar, routers=[build_router(Workflows(sidecar))], statuses={}, worker=worker)


if __name__ == "__main__":
    settings = CheckoutSettings()
    serve(build_app(settings), settings)

"""Composition root of payments: wires the ports to Dapr and runs the app."""

from fastapi import FastAPI

from apps.payments.peers import OrdersPeer
from apps.payments.routes import build_audit_router
from apps.payments.sandbox import SandboxFraudCheck, SandboxProvider
from apps.payments.service import PaymentService
from apps.payments.settings import PaymentsSettings
from apps.payments.steps import offer_steps
from apps.payments.store import DaprPaymentStore
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.invocation import Peer
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.state import StateStore
from apps.shared.platform.steps import WorkflowWorker


def build_app(settings: PaymentsSettings) -> FastAPI:
    sidecar = settings.sidecar()
    state = StateStore(sidecar, settings.state_store)
    service = PaymentService(
        store=DaprPaymentStore(state),
        providers={"sandbox": SandboxProvider(state, late_seconds=settings.sandbox_late_seconds)},
        fraud=SandboxFraudCheck(),
        orders=OrdersPeer(Peer(sidecar, "orders")),
        events=Publisher(sidecar),
        clock=SystemClock(),
        ids=TimeOrderedIds(),
    )
    worker = WorkflowWorker(sidecar)
    offer_steps(worker, service)
    return create_app(
        settings, sidecar=sidecar, routers=[build_audit_router(service)], stores=[state], statuses={}, worker=worker
    )


if __name__ == "__main__":
    settings = PaymentsSettings()
    serve(build_app(settings), settings)

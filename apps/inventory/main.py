"""Composition root of inventory: wires the ports to Dapr and runs the app."""

from datetime import timedelta

from fastapi import FastAPI

from apps.inventory import domain
from apps.inventory.peers import CatalogPeer, OrdersPeer
from apps.inventory.routes import build_audit_router, build_peer_router, build_router
from apps.inventory.service import InventoryService
from apps.inventory.settings import InventorySettings
from apps.inventory.steps import offer_steps
from apps.inventory.store import DaprInventoryStore
from apps.inventory.subscribers import subscribe
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.dead_letters import STATUSES as DEAD_LETTER_STATUSES
from apps.shared.platform.dead_letters import DeadLetters
from apps.shared.platform.invocation import Peer
from apps.shared.platform.jobs import Job
from apps.shared.platform.state import StateStore
from apps.shared.platform.steps import WorkflowWorker
from apps.shared.platform.subscriptions import Subscriptions

STATUSES: dict[type[Exception], int] = {
    domain.SkuUnknown: 404,
    domain.SkuForeign: 404,
    domain.QuantityOutOfRange: 422,
    domain.ReservationEnded: 500,  # not left to the server, which would close a connection that the sidecar reuses
    **DEAD_LETTER_STATUSES,
}


def build_app(settings: InventorySettings) -> FastAPI:
    sidecar = settings.sidecar()
    state, clock = StateStore(sidecar, settings.state_store), SystemClock()
    service = InventoryService(
        store=DaprInventoryStore(state),
        orders=OrdersPeer(Peer(sidecar, "orders")),
        catalog=CatalogPeer(Peer(sidecar, "catalog")),
        clock=clock,
        ids=TimeOrderedIds(),
    )
    worker = WorkflowWorker(sidecar)
    offer_steps(worker, service)
    subscriptions = Subscriptions()
    subscribe(subscriptions, service)
    dead_letters = DeadLetters(state, subscriptions, clock, consumer=settings.app_id)
    hold = timedelta(seconds=settings.hold_seconds)
    return create_app(
        settings,
        sidecar=sidecar,
        routers=[
            build_router(service),
            build_audit_router(service),
            build_peer_router(service),
            subscriptions.router(),
            dead_letters.router(),
        ],
        stores=[state],
        statuses=STATUSES,
        worker=worker,
        jobs=[Job("inventory-sweep", settings.sweep_schedule, lambda: service.sweep(hold))],
    )


if __name__ == "__main__":
    settings = InventorySettings()
    serve(build_app(settings), settings)

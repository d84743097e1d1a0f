"""Composition root of orders: wires the ports to Dapr and runs the app."""

from datetime import timedelta

from fastapi import FastAPI

from apps.orders import domain
from apps.orders.peers import CartsPeer, CatalogPeer, CheckoutPeer, NotificationsPeer
from apps.orders.routes import build_audit_router, build_peer_router, build_router
from apps.orders.service import OrderService
from apps.orders.settings import OrdersSettings
from apps.orders.steps import offer_steps
from apps.orders.store import DaprOrderStore
from apps.orders.sweep import OrderSweep
from apps.shared.money import MoneyError
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.invocation import Peer
from apps.shared.platform.jobs import Job
from apps.shared.platform.publisher import Publisher
from apps.shared.platform.state import StateStore
from apps.shared.platform.steps import WorkflowWorker

STATUSES: dict[type[Exception], int] = {
    domain.OrderNotFound: 404,
    domain.EmptyCart: 409,
    domain.ProductUnavailable: 409,
    domain.MixedCurrencies: 409,
    domain.TransitionRefused: 409,
    domain.KeyInFlight: 409,
    domain.KeyReused: 422,
    MoneyError: 422,
}


def build_app(settings: OrdersSettings) -> FastAPI:
    sidecar = settings.sidecar()
    state = StateStore(sidecar, settings.state_store)
    store, events, clock = DaprOrderStore(state), Publisher(sidecar), SystemClock()
    carts, checkout = CartsPeer(Peer(sidecar, "carts")), CheckoutPeer(Peer(sidecar, "checkout"))
    service = OrderService(
        store=store,
        carts=carts,
        catalog=CatalogPeer(Peer(sidecar, "catalog")),
        checkout=checkout,
        events=events,
        clock=clock,
        ids=TimeOrderedIds(),
    )
    notices = NotificationsPeer(Peer(sidecar, "notifications"))
    sweep = OrderSweep(store=store, carts=carts, checkout=checkout, notices=notices, events=events, clock=clock)
    worker = WorkflowWorker(sidecar)
    offer_steps(worker, service)
    grace = timedelta(seconds=settings.sweep_grace_seconds)
    return create_app(
        settings,
        sidecar=sidecar,
        routers=[build_router(service), build_audit_router(service), build_peer_router(service)],
        stores=[state],
        statuses=STATUSES,
        worker=worker,
        jobs=[Job("orders-sweep", settings.sweep_schedule, lambda: sweep.run(grace))],
    )


if __name__ == "__main__":
    settings = OrdersSettings()
    serve(build_app(settings), settings)

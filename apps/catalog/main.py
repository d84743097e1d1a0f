"""Composition root of catalog: wires the ports to Dapr and the search index, and runs the app."""

from datetime import timedelta

from fastapi import FastAPI

from apps.catalog import domain
from apps.catalog.availability import RememberedAvailability
from apps.catalog.cache import DaprProductCache
from apps.catalog.changes import START, ChangeJournal
from apps.catalog.feed import SearchFeed
from apps.catalog.index import ProductIndex
from apps.catalog.peers import InventoryPeer
from apps.catalog.routes import build_peer_router, build_router
from apps.catalog.service import CatalogService, InventoryAbsent
from apps.catalog.settings import CatalogSettings
from apps.catalog.store import DaprProductStore
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.invocation import Peer
from apps.shared.platform.jobs import Job
from apps.shared.platform.state import StateStore

STATUSES: dict[type[Exception], int] = {
    domain.ProductNotFound: 404,
    domain.SkuUnknown: 404,
    domain.ProductForeign: 403,
    domain.ProductChanged: 412,
    domain.SkuTaken: 409,
    domain.SkuFixed: 422,
    domain.CursorInvalid: 400,
    InventoryAbsent: 503,
}


def build_app(settings: CatalogSettings) -> FastAPI:
    sidecar = settings.sidecar()
    state = StateStore(sidecar, settings.state_store)
    changes = ChangeJournal(state)
    store = DaprProductStore(state, changes)
    search = SearchFeed(
        index=ProductIndex(), products=store, changes=changes, start=START, poll_seconds=settings.poll_seconds
    )
    service = CatalogService(
        store=store,
        cache=DaprProductCache(StateStore(sidecar, settings.cache_store)),
        search=search,
        inventory=RememberedAvailability(InventoryPeer(Peer(sidecar, "inventory"))),
        clock=SystemClock(),
        ids=TimeOrderedIds(),
    )
    grace = timedelta(seconds=settings.sweep_grace_seconds)
    return create_app(
        settings,
        sidecar=sidecar,
        routers=[build_router(service), build_peer_router(service)],
        stores=[state],
        statuses=STATUSES,
        jobs=[Job("catalog-sweep", settings.sweep_schedule, lambda: service.sweep(grace))],
        on_start=[search.start],
        on_stop=[search.stop],
    )


if __name__ == "__main__":
    settings = CatalogSettings()
    serve(build_app(settings), settings)

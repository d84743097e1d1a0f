"""Composition root of carts: wires the ports to Dapr, hosts the actors and runs the app."""

import secrets
from datetime import timedelta

from fastapi import FastAPI

from apps.carts import domain
from apps.carts.actors import ACTOR_TYPE, ActorCarts, CartActor
from apps.carts.peers import CatalogPeer
from apps.carts.routes import build_peer_router, build_router
from apps.carts.service import CartService
from apps.carts.settings import CartsSettings
from apps.carts.subscribers import subscribe
from apps.shared.money import MoneyError
from apps.shared.platform.actors import Actors, actor_router
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.dead_letters import STATUSES as DEAD_LETTER_STATUSES
from apps.shared.platform.dead_letters import DeadLetters
from apps.shared.platform.invocation import Peer
from apps.shared.platform.state import StateStore
from apps.shared.platform.subscriptions import Subscriptions

STATUSES: dict[type[Exception], int] = {
    domain.CartIdMalformed: 400,
    domain.ProductUnknown: 404,
    domain.CartFull: 409,
    domain.CartChanged: 412,
    MoneyError: 422,
    **DEAD_LETTER_STATUSES,
}


def build_app(settings: CartsSettings) -> FastAPI:
    sidecar = settings.sidecar()
    clock, state = SystemClock(), StateStore(sidecar, settings.state_store)
    CartActor.clock, CartActor.guest_ttl = clock, timedelta(seconds=settings.guest_ttl_seconds)
    service = CartService(
        carts=ActorCarts(Actors(sidecar, ACTOR_TYPE)),
        catalog=CatalogPeer(Peer(sidecar, "catalog")),
        ids=TimeOrderedIds(),
        secrets=secrets,
    )
    subscriptions = Subscriptions()
    subscribe(subscriptions, service)
    dead_letters = DeadLetters(state, subscriptions, clock, consumer=settings.app_id)
    return create_app(
        settings,
        sidecar=sidecar,
        routers=[
            build_router(service),
            build_peer_router(service),
            subscriptions.router(),
            dead_letters.router(),
            actor_router(CartActor, sidecar),
        ],
        stores=[state],
        statuses=STATUSES,
    )


if __name__ == "__main__":
    settings = CartsSettings()
    serve(build_app(settings), settings)

"""Composition root of notifications: wires the ports to Dapr and runs the app."""

from fastapi import FastAPI

from apps.notifications import domain
from apps.notifications.contacts import RememberedContacts
from apps.notifications.mail import BindingMail
from apps.notifications.peers import UsersPeer
from apps.notifications.routes import build_audit_router, build_peer_router, build_router
from apps.notifications.service import NotificationService
from apps.notifications.settings import NotificationsSettings
from apps.notifications.store import DaprMessageStore
from apps.notifications.subscribers import subscribe
from apps.notifications.templates import JinjaTemplates
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.bindings import OutputBinding
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.dead_letters import STATUSES as DEAD_LETTER_STATUSES
from apps.shared.platform.dead_letters import DeadLetters
from apps.shared.platform.invocation import Peer
from apps.shared.platform.state import StateStore
from apps.shared.platform.subscriptions import Subscriptions


def build_app(settings: NotificationsSettings) -> FastAPI:
    sidecar = settings.sidecar()
    state, clock = StateStore(sidecar, settings.state_store), SystemClock()
    subscriptions = Subscriptions()
    dead_letters = DeadLetters(state, subscriptions, clock, consumer=settings.app_id)
    service = NotificationService(
        store=DaprMessageStore(state),
        templates=JinjaTemplates(),
        users=RememberedContacts(UsersPeer(Peer(sidecar, "users"))),
        mail=BindingMail(OutputBinding(sidecar, "email")),
        dead_letters=dead_letters,
        clock=clock,
        ids=TimeOrderedIds(),
    )
    subscribe(subscriptions, service)
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
        statuses={domain.NotificationError: 503, **DEAD_LETTER_STATUSES},
    )


if __name__ == "__main__":
    settings = NotificationsSettings()
    serve(build_app(settings), settings)

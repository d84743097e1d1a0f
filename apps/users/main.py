"""Composition root of users: wires the ports to Dapr and runs the app."""

import secrets

from fastapi import FastAPI

from apps.shared.contracts.email import normalized
from apps.shared.platform.app import create_app, serve
from apps.shared.platform.clock import SystemClock, TimeOrderedIds
from apps.shared.platform.secrets import read_secret
from apps.shared.platform.state import StateStore
from apps.users import domain
from apps.users.passwords import Argon2Passwords
from apps.users.routes import build_auth_router, build_peer_router, build_router
from apps.users.service import UserService
from apps.users.settings import UsersSettings
from apps.users.store import DaprSessionStore, DaprUserStore
from apps.users.tokens import SignedTokens, SigningKeyAbsent

STATUSES: dict[type[Exception], int] = {
    domain.EmailTaken: 409,
    domain.UserNotFound: 404,
    domain.UserChanged: 412,
    domain.CredentialsRefused: 401,
    domain.SessionEnded: 401,
    SigningKeyAbsent: 503,
}


def build_app(settings: UsersSettings) -> FastAPI:
    sidecar = settings.sidecar()
    state = StateStore(sidecar, settings.state_store)
    tokens = SignedTokens(TimeOrderedIds())
    service = UserService(
        users=DaprUserStore(state),
        sessions=DaprSessionStore(state),
        passwords=Argon2Passwords(),
        tokens=tokens,
        clock=SystemClock(),
        ids=TimeOrderedIds(),
        secrets=secrets,
    )

    async def load_key() -> None:
        await tokens.load(lambda: read_secret(sidecar, "token-signing"))

    async def ensure_admin() -> None:
        admin = await read_secret(sidecar, "admin")
        email, password = admin["PLAZA_ADMIN_EMAIL"], admin["PLAZA_ADMIN_PASSWORD"]
        await service.ensure_admin(email=normalized(email), password=password)

    return create_app(
        settings,
        sidecar=sidecar,
        routers=[build_auth_router(service, tokens.jwks), build_router(service), build_peer_router(service)],
        stores=[state],
        statuses=STATUSES,
        on_start=[load_key, ensure_admin],
    )


if __name__ == "__main__":
    settings = UsersSettings()
    serve(build_app(settings), settings)

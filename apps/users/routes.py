"""The users API: HTTP in, use case, schema out. Also the question that peers ask."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.exceptions import HTTPException

from apps.shared.contracts.users import Contact, JwkSet
from apps.shared.platform.etags import etag_of, matches, tagged
from apps.shared.platform.identity import Caller, CallerDep
from apps.shared.platform.problems import documented
from apps.users.domain import User, UserNotFound
from apps.users.schemas import Credentials, ProfileIn, RefreshTokenIn, Registration, RoleIn, TokensOut, UserOut
from apps.users.service import UserService

IfMatch = Annotated[str, Header(description="ETag of the account as it was read")]


def build_auth_router(service: UserService, jwks: Callable[[], JwkSet]) -> APIRouter:
    router = APIRouter(tags=["auth"])

    @router.post("/auth/register", operation_id="register", status_code=201, responses=documented(409, 422))
    async def register(body: Registration, response: Response) -> UserOut:
        """Make a customer's account."""
        user = await service.register(email=body.email, password=body.password.get_secret_value(), name=body.name)
        response.headers["location"] = f"/api/v1/users/{user.id}"
        return UserOut.of(user)

    @router.post("/auth/login", operation_id="login", responses=documented(401, 422))
    async def login(body: Credentials) -> TokensOut:
        """Begin a session: an access token for 15 minutes, a refresh token for 30 days."""
        return TokensOut.of(await service.login(email=body.email, password=body.password.get_secret_value()))

    @router.post("/auth/refresh", operation_id="refresh", responses=documented(401, 422))
    async def refresh(body: RefreshTokenIn) -> TokensOut:
        """Exchange a refresh token for a new pair. The old one is dead; whoever presents it again ends the session."""
        return TokensOut.of(await service.refresh(body.refresh_token.get_secret_value()))

    @router.post("/auth/logout", operation_id="logout", status_code=204, responses=documented(422))
    async def logout(body: RefreshTokenIn) -> None:
        """End a session. Access tokens that are out stay valid until they expire."""
        await service.logout(body.refresh_token.get_secret_value())

    @router.get("/.well-known/jwks.json", operation_id="getJwks")
    async def get_jwks(response: Response) -> JwkSet:
        """The public keys that verify access tokens."""
        response.headers["cache-control"] = "public, max-age=300"
        return jwks()

    return router


def build_router(service: UserService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/users", tags=["users"])

    def check_visible(user_id: str, caller: Caller) -> None:
        if not caller.may_see(user_id):
            raise UserNotFound(user_id)

    @router.get("/{user_id}", operation_id="getUser", response_model=UserOut, responses=documented(404))
    async def get(
        user_id: str, response: Response, caller: CallerDep, if_none_match: Annotated[str, Header()] = ""
    ) -> UserOut | Response:
        """One account; others than its owner and admins are told that there is none."""
        check_visible(user_id, caller)
        return tagged(UserOut.of(await service.get(user_id)), response, if_none_match)

    def current(if_match: str) -> Callable[[User], bool]:
        return lambda user: not if_match or matches(if_match, etag_of(UserOut.of(user)))

    def shown(user: User, response: Response) -> UserOut:
        out = UserOut.of(user)
        response.headers["etag"] = etag_of(out)
        return out

    @router.put("/{user_id}", operation_id="updateUser", responses=documented(404, 412, 422))
    async def update(
        user_id: str,
        body: ProfileIn,
        response: Response,
        caller: CallerDep,
        if_match: IfMatch = "",
    ) -> UserOut:
        """Change name and addresses. With `If-Match`, only if nobody changed the profile since."""
        check_visible(user_id, caller)
        changed = await service.change_profile(
            user_id, name=body.name, addresses=body.domain_addresses(), is_current=current(if_match)
        )
        return shown(changed, response)

    @router.put("/{user_id}/role", operation_id="assignRole", responses=documented(403, 404, 412, 422))
    async def assign_role(
        user_id: str, body: RoleIn, response: Response, caller: CallerDep, if_match: IfMatch = ""
    ) -> UserOut:
        """Make a user a customer, a vendor or an admin. It shows in the next access token. `If-Match` as for the profile."""
        if not caller.is_admin:
            raise HTTPException(403, "Only admins assign roles.")
        return shown(await service.assign_role(user_id, body.role, is_current=current(if_match)), response)

    return router


def build_peer_router(service: UserService) -> APIRouter:
    """Operations for other services alone; the gateway has no route to them."""
    router = APIRouter(prefix="/internal/users", include_in_schema=False)

    @router.get("/{user_id}/contact")
    async def contact(user_id: str) -> Contact:
        user = await service.get(user_id)
        return Contact(user_id=user.id, email=user.email, name=user.name)

    return router

"""The use cases of users: accounts and profiles, logging in, staying logged in, logging out."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from apps.users import domain
from apps.users.domain import Address, Family, RefreshToken, Role, User, UserNotFound
from apps.users.ports import AccessTokens, Clock, Ids, Passwords, Secrets, SessionStore, UserStore

log = logging.getLogger(__name__)

FAMILY_ID_BYTES = 16
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets when it logs in or refreshes."""

    access_token: str
    refresh_token: str
    expires_in_seconds: int


class UserService:
    """Logs name users by id alone: never by address or name, and no password or token."""

    def __init__(
        self,
        *,
        users: UserStore,
        sessions: SessionStore,
        passwords: Passwords,
        tokens: AccessTokens,
        clock: Clock,
        ids: Ids,
        secrets: Secrets,
    ) -> None:
        self._users, self._sessions, self._passwords, self._tokens = users, sessions, passwords, tokens
        self._clock, self._ids, self._secrets = clock, ids, secrets

    async def register(self, *, email: str, password: str, name: str, role: Role = Role.CUSTOMER) -> User:
        """A new account under a normalized `email`. Raises EmailTaken."""
        user = User(
            id=self._ids.new("usr"),
            email=email,
            name=name,
            role=role,
            password_hash=await self._passwords.hash(password),
            created_at=self._clock.now(),
        )
        await self._users.add(user)
        return user

    async def ensure_admin(self, *, email: str, password: str) -> None:
        """An admin under `email`, unless there is an account; that one keeps its password and role."""
        if await self._users.find_by_email(email) is not None:
            return
        try:
            user = await self.register(email=email, password=password, name="Administrator", role=Role.ADMIN)
        except domain.EmailTaken:
            return
        log.info("made the first admin", extra={"fields": {"user_id": user.id}})

    async def login(self, *, email: str, password: str) -> TokenPair:
        """Begin a session. Raises CredentialsRefused, as slowly for an unknown address as for a wrong password."""
        user = await self._users.find_by_email(email)
        known = await self._passwords.verify(user.password_hash if user else None, password)
        if user is None or not known:
            raise domain.CredentialsRefused
        if self._passwords.is_outdated(user.password_hash):
            await self._renew_hash(user, password)
        token = RefreshToken(self._secrets.token_urlsafe(FAMILY_ID_BYTES), self._secrets.token_urlsafe(SECRET_BYTES))
        await self._sessions.open(token.family_id, Family(user.id, token.secret_hash))
        return self._pair(user, token)

    async def refresh(self, text: str) -> TokenPair:
        """A new pair for a live refresh token, which dies. Raises SessionEnded; a dead one ends its family."""
        presented = RefreshToken.parse(text)
        successor = RefreshToken(presented.family_id, self._secrets.token_urlsafe(SECRET_BYTES))
        family = await self._sessions.update(
            presented.family_id, lambda found: domain.rotate(found, presented, successor)
        )
        user = await self._users.find(family.user_id) if family else None
        if user is None:
            raise domain.SessionEnded
        return self._pair(user, successor)

    async def logout(self, text: str) -> None:
        """End the family of a refresh token, dead or alive; what is no token ends nothing."""
        try:
            family_id = RefreshToken.parse(text).family_id
        except domain.SessionEnded:
            return
        await self._sessions.update(family_id, lambda _: None)

    async def get(self, user_id: str) -> User:
        """Raises UserNotFound."""
        user = await self._users.find(user_id)
        if user is None:
            raise UserNotFound(user_id)
        return user

    async def change_profile(
        self,
        user_id: str,
        *,
        name: str,
        addresses: tuple[Address, ...] | None,
        is_current: Callable[[User], bool],
    ) -> User:
        """Set the name, and the addresses unless None. Raises UserNotFound, UserChanged when not `is_current`."""

        def decide(user: User) -> User:
            if not is_current(user):
                raise domain.UserChanged
            return replace(user, name=name, addresses=user.addresses if addresses is None else addresses)

        return await self._users.update(user_id, decide)

    async def assign_role(self, user_id: str, role: Role, *, is_current: Callable[[User], bool]) -> User:
        """Set the role; tokens that are out keep the old one until they expire. Raises UserNotFound, UserChanged when not `is_current`."""

        def decide(user: User) -> User:
            if not is_current(user):
                raise domain.UserChanged
            return replace(user, role=role)

        user = await self._users.update(user_id, decide)
        log.info("assigned a role", extra={"fields": {"user_id": user_id, "role": role}})
        return user

    async def _renew_hash(self, user: User, password: str) -> None:
        renewed, outdated = await self._passwords.hash(password), user.password_hash

        def decide(found: User) -> User:
            return replace(found, password_hash=renewed) if found.password_hash == outdated else found

        await self._users.update(user.id, decide)

    def _pair(self, user: User, token: RefreshToken) -> TokenPair:
        return TokenPair(self._tokens.issue(user, self._clock.now()), str(token), self._tokens.lifetime_seconds)

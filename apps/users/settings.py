"""What `users` is told by its environment (prefix USERS_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class UsersSettings(ServiceSettings):
    """Documents lie in the encrypted store: they are all about persons."""

    model_config = SettingsConfigDict(env_prefix="USERS_")

    app_id: str = "users"
    state_store: str = "private-store"

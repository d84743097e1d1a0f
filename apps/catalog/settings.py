"""What `catalog` is told by its environment (prefix CATALOG_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    """`cache_store` names a state component that may lose everything at any time."""

    model_config = SettingsConfigDict(env_prefix="CATALOG_")

    app_id: str = "catalog"
    cache_store: str = "cache"
    poll_seconds: float = 0.5
    sweep_schedule: str = "@every 1m"
    sweep_grace_seconds: int = 60

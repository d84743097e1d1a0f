"""What `carts` is told by its environment (prefix CARTS_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class CartsSettings(ServiceSettings):
    """`guest_ttl_seconds` is how long a guest's cart outlives its last change."""

    model_config = SettingsConfigDict(env_prefix="CARTS_")

    app_id: str = "carts"
    guest_ttl_seconds: int = 30 * 24 * 3600

"""What `orders` is told by its environment (prefix ORDERS_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class OrdersSettings(ServiceSettings):
    """Documents lie in the encrypted store: an order names a person, an address and a payment token."""

    model_config = SettingsConfigDict(env_prefix="ORDERS_")

    app_id: str = "orders"
    state_store: str = "private-store"
    sweep_schedule: str = "@every 1m"
    sweep_grace_seconds: int = 300

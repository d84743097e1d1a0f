"""What `inventory` is told by its environment (prefix INVENTORY_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class InventorySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="INVENTORY_")

    app_id: str = "inventory"
    sweep_schedule: str = "@every 1m"
    hold_seconds: int = 900

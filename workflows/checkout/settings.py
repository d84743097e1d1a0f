"""What `checkout` is told by its environment (prefix CHECKOUT_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class CheckoutSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CHECKOUT_")

    app_id: str = "checkout"

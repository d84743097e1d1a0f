"""What `payments` is told by its environment (prefix PAYMENTS_)."""

from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings


class PaymentsSettings(ServiceSettings):
    """`sandbox_late_seconds` is how late the sandbox provider answers to `tok_timeout`."""

    model_config = SettingsConfigDict(env_prefix="PAYMENTS_")

    app_id: str = "payments"
    state_store: str = "private-store"
    sandbox_late_seconds: float = 1.0

"""What `gateway` is told by its environment (prefix GATEWAY_)."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from apps.shared.platform.settings import ServiceSettings

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class GatewaySettings(ServiceSettings):
    """Rates are requests a minute per client and replica. `cors_origins` is a JSON list of origins; none means no CORS."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    app_id: str = "gateway"
    app_port: int = Field(default=8080, validation_alias=AliasChoices("APP_PORT", "app_port"))
    rate_per_minute: int = Field(default=600, ge=1)
    auth_rate_per_minute: int = Field(default=10, ge=1)
    max_body_bytes: int = Field(default=1024 * 1024, ge=0)
    cors_origins: tuple[str, ...] = ()
    openapi_path: Path = Path("docs/openapi/plaza.json")

    def openapi_file(self) -> Path:
        """`openapi_path`, taken from the project root when it is relative."""
        return PROJECT_ROOT / self.openapi_path

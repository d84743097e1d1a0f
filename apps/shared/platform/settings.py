"""What every service is told by its environment: its own port, its sidecar's, and the tokens between the two.

The unprefixed names are Dapr's own (`dapr run` and the Kubernetes injector set them); a service adds fields of its own under its prefix.
"""

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from apps.shared.platform.sidecar import Sidecar


class ServiceSettings(BaseSettings):
    """Settings of one service; subclasses set `env_prefix` and the default of `app_id`. Ports are TCP ports on 127.0.0.1."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True)

    app_id: str
    app_host: str = "127.0.0.1"
    app_port: int = Field(validation_alias=AliasChoices("APP_PORT", "app_port"))
    dapr_http_port: int = Field(default=3500, validation_alias=AliasChoices("DAPR_HTTP_PORT", "dapr_http_port"))
    dapr_grpc_port: int = Field(default=50001, validation_alias=AliasChoices("DAPR_GRPC_PORT", "dapr_grpc_port"))
    dapr_api_token: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("DAPR_API_TOKEN", "dapr_api_token")
    )
    app_api_token: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("APP_API_TOKEN", "app_api_token")
    )
    state_store: str = "statestore"
    log_level: str = "INFO"

    def sidecar(self) -> Sidecar:
        """A client of this app's sidecar."""
        return Sidecar(port=self.dapr_http_port, token=self.dapr_api_token.get_secret_value())

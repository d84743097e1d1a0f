"""Reads secrets through the sidecar, so that no service knows which vault keeps them."""

from apps.shared.platform.sidecar import Sidecar


async def read_secret(sidecar: Sidecar, name: str, *, store: str = "secretstore") -> dict[str, str]:
    """The keys and values of the secret `name`. Raises SidecarError (403 when this app may not read it)."""
    values = await sidecar.call("GET", f"/v1.0/secrets/{store}/{name}")
    return {key: str(value) for key, value in (values or {}).items()}

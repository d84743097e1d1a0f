"""The keys and passwords of one shop: made once, kept for its life, and written where Dapr's file store reads them."""

import json
import os
import secrets
import string
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tools.local.atomic import write_atomically
from tools.local.errors import LocalError
from tools.local.etcd import etcd_endpoints
from tools.local.home import Home
from tools.local.ports import BackendPorts
from tools.local.stack import own_servers

EMAIL, PASSWORD = "PLAZA_ADMIN_EMAIL", "PLAZA_ADMIN_PASSWORD"
"""What the secret `admin` holds; at the first start the environment may choose them."""

MONGODB = "PLAZA_MONGODB_URL"
"""The connection string of a replica set that the user runs, for STATE=mongodb."""

PASSWORD_ALPHABET = string.ascii_letters + string.digits
Secrets = dict[str, dict[str, Any]]


def ensure_secrets(home: Home, ports: BackendPorts) -> Secrets:
    """Makes what is missing, keeps every key and password that is there, and writes the addresses of this start.

    Raises: LocalError when the file is not JSON (keys that exist are never thrown away), or that of the user's own servers is not.
    """
    kept = _read(home)
    found = {
        "postgres": {
            "connectionString": f"host={home.postgres_socket_directory} user=postgres database=postgres pool_max_conns=8"
        },
        "redis": {"host": f"127.0.0.1:{ports['redis']}", "password": _kept(kept, "redis", "password") or _password(32)},
        "kafka": {"brokers": f"127.0.0.1:{ports['kafka']}"},
        "nats": {"url": f"nats://127.0.0.1:{ports['nats']}", "token": _kept(kept, "nats", "token") or _password(32)},
        "etcd": {"endpoints": etcd_endpoints(ports)},
        "mongodb": {"connectionString": os.environ.get(MONGODB) or _kept(kept, "mongodb", "connectionString") or ""},
        "smtp": {"host": "127.0.0.1", "port": str(ports["mail"])},
        "private-store": {
            "primaryEncryptionKey": _kept(kept, "private-store", "primaryEncryptionKey") or secrets.token_hex(32)
        },
        "admin": {
            EMAIL: _kept(kept, "admin", EMAIL) or os.environ.get(EMAIL) or "admin@plaza.example",
            PASSWORD: _kept(kept, "admin", PASSWORD) or os.environ.get(PASSWORD) or _password(20),
        },
        "token-signing": {"private_key_pem": _kept(kept, "token-signing", "private_key_pem") or _ed25519_pem()},
    }
    told = {name: {**values, **own_servers().get(name, {})} for name, values in found.items()}
    merged = {**kept, **{name: {**kept.get(name, {}), **values} for name, values in told.items()}}
    write_atomically(home.secrets, json.dumps(merged, indent=2) + "\n")
    return merged


def first_admin(secrets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """`{"email", "password"}` of the account that the shop makes at its first start."""
    return {"email": secrets["admin"][EMAIL], "password": secrets["admin"][PASSWORD]}


def ensure_api_tokens(home: Home) -> Mapping[str, str]:
    """The tokens that sidecars and apps ask of each other, kept beside the secrets but never shown to a secret store."""
    file = home.root / "api-tokens.json"
    try:
        tokens = json.loads(file.read_text())
    except FileNotFoundError:
        tokens = {"DAPR_API_TOKEN": _password(32), "APP_API_TOKEN": _password(32)}
        write_atomically(file, json.dumps(tokens))
    return {str(name): str(token) for name, token in tokens.items()}


def _read(home: Home) -> Secrets:
    try:
        content = json.loads(home.secrets.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LocalError(f"{home.secrets} is not JSON ({error}): mend it, or 'make reset' to begin anew.") from error
    return {str(name): dict(values) for name, values in content.items()}


def _kept(secrets_file: Secrets, name: str, field: str) -> str | None:
    return secrets_file.get(name, {}).get(field)


def _password(length: int) -> str:
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(length))


def _ed25519_pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

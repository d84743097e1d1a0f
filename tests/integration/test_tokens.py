"""Access tokens at the real gateway: signed by the shop's own key and yet refused, forged, and guessed by the hundred."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from apps.gateway.tokens import REFETCH_SECONDS
from tests.support.client import Client


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Mint:
    """Makes tokens with the shop's own signing key, and others that only look so."""

    def __init__(self, private_key: Ed25519PrivateKey, key_id: str) -> None:
        self._key, self.key_id = private_key, key_id

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": "plaza", "aud": "plaza", "sub": "usr_x", "role": "admin", "permissions": ["orders:read"]}
        made = {**usual, "iat": now, "nbf": now, "exp": now + 600, **changes}
        return {name: value for name, value in made.items() if value is not None}

    def genuine(self, **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), self._key, algorithm="EdDSA", headers={"kid": self.key_id})

    def foreign(self, key_id: str | None) -> str:
        headers = {} if key_id is None else {"kid": key_id}
        return jwt.encode(self.claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=headers)

    def with_algorithm(self, algorithm: str) -> str:
        """Not signed at all, or by an HMAC whose secret is the public key."""
        head = {"alg": algorithm, "kid": self.key_id}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (head, self.claims()))
        public = self._key.public_key().public_bytes_raw()
        mac = hmac.new(public, signed.encode(), hashlib.sha256).digest() if algorithm == "HS256" else b""
        return f"{signed}.{base64url(mac)}"

    def tampered(self) -> str:
        head, _, signature = self.genuine().split(".")
        return f"{head}.{base64url(json.dumps(self.claims(sub='usr_y')).encode())}.{signature}"


@pytest.fixture
async def mint(shop_url: str, secrets: dict[str, Any]) -> Mint:
    key = load_pem_private_key(secrets["token-signing"]["private_key_pem"].encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    async with Client(shop_url) as client:
        (jwk,) = (await client.call("GET", "/.well-known/jwks.json")).expect(200)["keys"]
    return Mint(key, jwk["kid"])


async def test_only_a_genuine_and_timely_token_speaks_for_someone(mint: Mint, shopper: Client) -> None:
    assert (await shopper.call("GET", "/api/v1/orders", token=mint.genuine())).status == 200, "the mint is wrong"
    now = int(time.time())
    refused = {
        "expired": mint.genuine(exp=now - 60),
        "not yet valid": mint.genuine(nbf=now + 600),
        "without an end": mint.genuine(exp=None),
        "for another audience": mint.genuine(aud="elsewhere"),
        "for two audiences, neither ours": mint.genuine(aud=["a", "b"]),
        "without an audience": mint.genuine(aud=None),
        "of another issuer": mint.genuine(iss="elsewhere"),
        "without an issuer": mint.genuine(iss=None),
        "without a subject": mint.genuine(sub=None),
        "tampered": mint.tampered(),
        "cut off": mint.genuine()[:-4],
        "alg none": mint.with_algorithm("none"),
        "alg None": mint.with_algorithm("None"),
        "HS256 with the public key": mint.with_algorithm("HS256"),
        "of another key pair": mint.foreign(mint.key_id),
        "of a foreign kid": mint.foreign("other"),
        "of a kid that is a path": mint.foreign("../../dev/null"),
        "without a kid": mint.foreign(None),
        "a refresh token": shopper.refresh_token,
        "nothing": "x",
    }
    answers = {
        (kind, path): (await shopper.call("GET", path, token=token)).status
        for kind, token in refused.items()
        for path in ("/api/v1/orders", "/api/v1/products", "/api/v1/cart")
    }
    assert {where: status for where, status in answers.items() if status != 401} == {}
    access = await shopper.call("POST", "/auth/refresh", {"refresh_token": shopper.token}, token="")
    assert access.status in (401, 422), "an access token is no refresh token"


async def test_a_flood_of_unknown_keys_does_not_reach_users(
    mint: Mint, shopper: Client, run_json: dict[str, Any]
) -> None:
    async def looked_up() -> float:
        url = f"http://127.0.0.1:{run_json['apps']['users']['app_port']}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            lines = (await response.text()).splitlines()
        counts = (line for line in lines if line.startswith("http_requests_total") and "jwks.json" in line)
        return sum(float(line.rsplit(" ", 1)[1]) for line in counts)

    before, started = await looked_up(), time.monotonic()
    tokens = [mint.foreign(uuid.uuid4().hex) for _ in range(200)]
    answers = await asyncio.gather(*(shopper.call("GET", "/api/v1/orders", token=token) for token in tokens))
    assert {answer.status for answer in answers} == {401}
    allowed = 1 + (time.monotonic() - started) // REFETCH_SECONDS
    assert await looked_up() - before <= allowed
    assert (await shopper.call("GET", "/api/v1/orders")).status == 200

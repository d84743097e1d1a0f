"""Forged, foreign and stale tokens are refused; known keys work while users is down."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.gateway.tokens import Identity, KeyRing, TokenRefused, TokenVerifier
from apps.shared.platform.sidecar import SidecarError
from tests.unit.gateway.fakes import KEY_ID, claims, public_jwk

KEY = Ed25519PrivateKey.generate()


class Users:
    """The key set of `users`, or nothing while it is down."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys: list[dict[str, Any]] = list(keys)
        self.down, self.fetches = False, 0

    async def fetch(self) -> Any:
        self.fetches += 1
        if self.down:
            raise SidecarError("GET", 0, "", "down")
        return {"keys": self.keys}


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def signed(key: Ed25519PrivateKey = KEY, key_id: str | None = KEY_ID, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="EdDSA", headers={"kid": key_id} if key_id else {})


def segment(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def unsigned(algorithm: str = "none") -> str:
    return f"{segment({'alg': algorithm, 'kid': KEY_ID, 'typ': 'JWT'})}.{segment(claims())}."


def signed_with_a_key_that_it_brings() -> str:
    """RFC 8725, 3.10: a key in the header is the sender's word alone."""
    own = Ed25519PrivateKey.generate()
    return jwt.encode(claims(), own, algorithm="EdDSA", headers={"kid": KEY_ID, "jwk": public_jwk(own)})


def signed_with_public_key(shape: Encoding, form: PublicFormat) -> str:
    """The classic confusion: an HMAC whose secret is the public key."""
    import hashlib
    import hmac

    text = f"{segment({'alg': 'HS256', 'kid': KEY_ID, 'typ': 'JWT'})}.{segment(claims())}"
    mac = hmac.new(KEY.public_key().public_bytes(shape, form), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def swapped_claims() -> str:
    head, _, tail = signed().split(".")
    return f"{head}.{segment(claims(role='admin', permissions=['users:assign-roles']))}.{tail}"


async def verify(token: str) -> Identity:
    return await TokenVerifier(KeyRing(Users(public_jwk(KEY)).fetch)).verify(token)


async def test_a_token_of_users_is_believed() -> None:
    assert await verify(signed()) == Identity("usr_1", "customer", frozenset({"orders:place", "orders:read"}))


NOW = int(time.time())


@pytest.mark.parametrize(
    "token",
    [
        unsigned(),
        unsigned("None"),
        unsigned("EdDSA"),
        signed_with_a_key_that_it_brings(),
        signed_with_public_key(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        signed_with_public_key(Encoding.Raw, PublicFormat.Raw),
        signed(Ed25519PrivateKey.generate()),
        signed(key_id="foreign"),
        signed(key_id=None),
        swapped_claims(),
        signed() + "x",
        signed(iss="elsewhere"),
        signed(aud="elsewhere"),
        signed(aud=["elsewhere", "plaza.example"]),
        signed(aud=""),
        signed(iss=None),
        signed(aud=None),
        signed(sub=None),
        signed(sub=""),
        signed(exp=None),
        signed(exp=NOW - 60),
        signed(exp="never"),
        signed(exp=True),
        signed(nbf=NOW + 600),
        signed(permissions=None),
        signed(permissions="orders:place"),
        signed(role=None),
        signed(name="x" * 9000),
        "",
        "a.b.c",
        "not a token",
    ],
)
async def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        await verify(token)


async def test_clocks_may_differ_by_some_seconds() -> None:
    now = int(time.time())
    await verify(signed(exp=now - 3))
    await verify(signed(nbf=now + 3))


async def test_keys_that_are_not_ed25519_are_passed_over() -> None:
    odd: list[Any] = [
        {"kty": "oct", "kid": "h", "k": "AAAA"},
        {"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AA"},
        7,
    ]
    ring = KeyRing(Users(*odd, public_jwk(KEY)).fetch)
    await ring.load()
    assert (await ring.find("h"), await ring.find("x")) == (None, None)
    assert await ring.find(KEY_ID) is not None


async def test_known_keys_go_on_while_users_is_down() -> None:
    users, clock = Users(public_jwk(KEY)), Clock()
    verifier = TokenVerifier(ring := KeyRing(users.fetch, now=clock))
    await ring.load()
    users.down = True
    clock.seconds += 3600
    for _ in range(2):
        assert (await verifier.verify(signed())).user_id == "usr_1"
    with pytest.raises(TokenRefused):
        await verifier.verify(signed(key_id="foreign"))


async def test_no_keys_yet_is_not_the_clients_fault() -> None:
    users = Users()
    users.down = True
    verifier = TokenVerifier(KeyRing(users.fetch, now=Clock()))
    for _ in range(2):
        with pytest.raises(SidecarError):
            await verifier.verify(signed())
    assert users.fetches == 1


async def test_unknown_key_ids_fetch_once_in_five_seconds() -> None:
    users, clock = Users(public_jwk(KEY)), Clock()
    ring = KeyRing(users.fetch, now=clock)
    await ring.load()
    clock.seconds += 6
    for name in ("a", "b", "c"):
        assert await ring.find(name) is None
    assert users.fetches == 2
    new = Ed25519PrivateKey.generate()
    users.keys.append(public_jwk(new, "key-2"))
    assert await ring.find("key-2") is None
    clock.seconds += 5
    assert await ring.find("key-2") is not None
    assert users.fetches == 3


async def test_withdrawn_keys_end() -> None:
    users, clock = Users(public_jwk(KEY)), Clock()
    ring = KeyRing(users.fetch, now=clock)
    await ring.load()
    users.keys = [public_jwk(Ed25519PrivateKey.generate(), "key-2")]
    clock.seconds += 301
    assert await ring.find(KEY_ID) is not None
    assert ring._renewal is not None
    await ring._renewal
    assert await ring.find(KEY_ID) is None

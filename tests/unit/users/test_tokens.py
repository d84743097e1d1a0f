"""What access tokens say, what their keys are called, and how passwords are kept."""

import jwt
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.shared.contracts.users import Permission
from apps.users.domain import Role, User
from apps.users.passwords import Argon2Passwords
from apps.users.permissions import GRANTS
from apps.users.tokens import SignedTokens, SigningKeyAbsent, jwk_of
from tests.unit.fakes import NOON, CountingIds

VENDOR = User("usr_1", "ada@shop.example", "Ada", Role.VENDOR, "hash", NOON)


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def loaded(text: str) -> SignedTokens:
    async def read_secret() -> dict[str, str]:
        return {"private_key_pem": text}

    tokens = SignedTokens(CountingIds())
    await tokens.load(read_secret)
    return tokens


async def test_a_token_tells_role_and_permissions_and_no_personal_data() -> None:
    tokens = await loaded(pem(Ed25519PrivateKey.generate()))
    token = tokens.issue(VENDOR, NOON)
    (public,) = tokens.jwks().keys
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": public.kid, "typ": "JWT"}
    key = jwt.PyJWK(public.model_dump())
    claims = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience="plaza",
        issuer="plaza",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    at = int(NOON.timestamp())
    assert claims == {
        "iss": "plaza",
        "aud": "plaza",
        "sub": "usr_1",
        "role": "vendor",
        "permissions": ["inventory:read", "inventory:write", "orders:place", "orders:read", "products:write"],
        "iat": at,
        "nbf": at,
        "exp": at + 900,
        "jti": "tok_1",
    }


def test_key_ids_are_thumbprints() -> None:
    """The example of RFC 8037, appendix A.3."""
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    jwk = jwk_of(Ed25519PublicKey.from_public_bytes(raw))
    assert jwk.x == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert jwk.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


async def test_nothing_is_signed_or_shown_before_the_key_is_there() -> None:
    tokens = SignedTokens(CountingIds())
    with pytest.raises(SigningKeyAbsent):
        tokens.jwks()
    with pytest.raises(SigningKeyAbsent):
        tokens.issue(VENDOR, NOON)


async def test_another_kind_of_key_is_refused() -> None:
    key = generate_private_key(SECP256R1())
    with pytest.raises(TypeError):
        await loaded(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_who_may_do_what() -> None:
    assert GRANTS[Role.CUSTOMER] == {Permission.ORDERS_PLACE, Permission.ORDERS_READ}
    assert GRANTS[Role.ADMIN] == set(Permission)
    assert GRANTS[Role.ADMIN] - GRANTS[Role.VENDOR] == {
        Permission.ORDERS_FULFIL,
        Permission.USERS_ASSIGN_ROLES,
        Permission.AUDIT_READ,
        Permission.EVENTS_REPLAY,
    }


async def test_passwords_are_argon2id_and_old_parameters_show() -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    passwords = Argon2Passwords(cheap)
    stored = await passwords.hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.verify(stored, "correct horse battery")
    assert not await passwords.verify(stored, "correct horse batter")
    assert not await passwords.verify(None, "no password has this hash")
    assert not passwords.is_outdated(stored)
    assert Argon2Passwords().is_outdated(stored)

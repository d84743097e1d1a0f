"""Accounts and sessions through the gateway: real Argon2 and real tokens."""

import asyncio
import base64
import json
from typing import Any

from tests.support.client import ADDRESS, PASSWORD, Answer, Client


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def refresh(client: Client, token: str) -> Answer:
    return await client.call("POST", "/auth/refresh", {"refresh_token": token}, token="")


async def test_registration_and_login(shop_url: str) -> None:
    async with Client(shop_url) as client:
        await client.register()
        account = {"email": client.email.upper(), "password": PASSWORD, "name": "Eve"}
        (await client.call("POST", "/auth/register", account, token="")).problem(409)
        for email, password in ((client.email, "wrong password"), (f"no-{client.email}", PASSWORD)):
            credentials = {"email": email, "password": password}
            answer = await client.call("POST", "/auth/login", credentials, token="")
            assert answer.problem(401)["type"] == "/problems/credentials-refused"
            assert answer.headers["Cache-Control"] == "no-store"
        short = await client.call("POST", "/auth/register", {**account, "password": "x" * 11}, token="")
        (error,) = short.problem(422)["errors"]
        assert error["field"] == "body.password"
        assert "12" in error["message"]
        claims = claims_of(client.token)
        assert (claims["sub"], claims["role"], claims["exp"] - claims["iat"]) == (client.user_id, "customer", 900)
        assert client.email not in str(claims)


async def test_a_used_refresh_token_ends_the_session(shopper: Client) -> None:
    first = shopper.refresh_token
    second = (await refresh(shopper, first)).expect(200)["refresh_token"]
    third = (await refresh(shopper, second)).expect(200)["refresh_token"]
    (await refresh(shopper, first)).problem(401)
    (await refresh(shopper, third)).problem(401)


async def test_of_refreshes_at_once_one_wins(shopper: Client) -> None:
    answers = await asyncio.gather(*(refresh(shopper, shopper.refresh_token) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401, 401]
    (winner,) = (answer.json for answer in answers if answer.status == 200)
    (await refresh(shopper, winner["refresh_token"])).problem(401)


async def test_logout(shopper: Client) -> None:
    body = {"refresh_token": shopper.refresh_token}
    for _ in range(2):
        (await shopper.call("POST", "/auth/logout", body, token="")).expect(204)
    (await refresh(shopper, shopper.refresh_token)).problem(401)


async def test_profiles(shopper: Client, admin: Client, shop_url: str) -> None:
    path = f"/api/v1/users/{shopper.user_id}"
    read = await shopper.call("GET", path)
    assert read.expect(200)["email"] == shopper.email
    (await shopper.call("GET", path, if_none_match=read.headers["Etag"])).expect(304)
    changed = await shopper.call("PUT", path, {"name": "Ada", "addresses": [ADDRESS]}, if_match=read.headers["Etag"])
    assert changed.expect(200)["addresses"] == [{**ADDRESS, "line2": "", "region": ""}]
    (await shopper.call("PUT", path, {"name": "Late"}, if_match=read.headers["Etag"])).problem(412)
    seen = await admin.call("GET", path)
    assert (seen.expect(200)["name"], seen.headers["Etag"]) == ("Ada", changed.headers["Etag"])
    async with Client(shop_url) as stranger:
        (await stranger.call("GET", path)).problem(401)
        await stranger.register()
        (await stranger.call("GET", path)).problem(404)
        (await stranger.call("PUT", path, {"name": "Mine"})).problem(404)


async def test_a_role_shows_in_the_next_token(shopper: Client, admin: Client) -> None:
    path = f"/api/v1/users/{shopper.user_id}/role"
    (await shopper.call("PUT", path, {"role": "admin"})).problem(403)
    (await admin.call("PUT", path, {"role": "emperor"})).problem(422)
    read = (await admin.call("GET", f"/api/v1/users/{shopper.user_id}")).headers["Etag"]
    assigned = await admin.call("PUT", path, {"role": "vendor"}, if_match=read)
    assert assigned.expect(200)["role"] == "vendor"
    (await admin.call("PUT", path, {"role": "admin"}, if_match=read)).problem(412)
    assert (await admin.call("GET", f"/api/v1/users/{shopper.user_id}")).headers["Etag"] == assigned.headers["Etag"]
    tokens = (await refresh(shopper, shopper.refresh_token)).expect(200)
    assert claims_of(tokens["access_token"])["permissions"] == [
        "inventory:read",
        "inventory:write",
        "orders:place",
        "orders:read",
        "products:write",
    ]

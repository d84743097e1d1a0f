"""Nothing that names a person or lets someone pay or log in is left where it need not be: logs, events, workflows, traces, tables."""

import asyncio
import os
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import RunningShop
from tests.support.client import ADDRESS, Client, eventually
from tests.support.mail import mails_to
from tests.support.otlp import SpanReceiver
from tests.support.stored import files_of, layers, postgres_dump, redis_dump

pytestmark = pytest.mark.looks_into(state="postgres", pubsub="redis")

CARDS = ("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005")


class Person:
    """A customer of whom every secret and every personal detail can be told from anything else."""

    def __init__(self, client: Client) -> None:
        mark = uuid.uuid4().hex[:10]
        self.client = client
        self.name, self.street, self.city = f"Zebulon Quist {mark}", f"77 Marmalade Row {mark}", f"Ganderville {mark}"
        self.email, self.password = f"zebulon-{mark}@plaza.example", f"pass phrase {mark}"
        self.wrong_password, self.declined_token = f"wrong phrase {mark}", f"tok_marmalade{mark}"
        self.keys: list[str] = []
        self.order_ids: list[str] = []
        self.tokens: list[str] = []

    async def join(self) -> None:
        account = {"email": self.email, "password": self.password, "name": self.name}
        self.client.user_id = (await self.client.call("POST", "/auth/register", account)).expect(201)["id"]
        wrong = {"email": self.email, "password": self.wrong_password}
        (await self.client.call("POST", "/auth/login", wrong)).problem(401)
        for _ in range(2):
            await self.client.login(self.email, self.password)
            self.tokens += [self.client.token, self.client.refresh_token]
        first = self.client.refresh_token
        answer = await self.client.call("POST", "/auth/refresh", {"refresh_token": first}, token="")
        self.tokens.append(answer.expect(200)["refresh_token"])
        profile = {"name": self.name, "addresses": [self._address]}
        (await self.client.call("PUT", f"/api/v1/users/{self.client.user_id}", profile)).expect(200)

    async def order(self, product_id: str, token: str) -> str:
        key = f"key-{uuid.uuid4().hex}"
        self.keys.append(key)
        await self.client.fill_cart(product_id, 1)
        body = {"payment": {"provider": "sandbox", "token": token}, "shipping_address": self._address}
        placed = await self.client.call("POST", "/api/v1/orders", body, idempotency_key=key)
        self.order_ids.append(placed.expect(202)["id"])
        return self.order_ids[-1]

    @property
    def _address(self) -> dict[str, str]:
        return {**ADDRESS, "name": self.name, "line1": self.street, "city": self.city}

    @property
    def secrets(self) -> dict[str, list[bytes]]:
        """What must be found nowhere, by kind; tokens by their secret part."""
        texts = {
            "name": [self.name],
            "address": [self.street, self.city],
            "e-mail address": [self.email],
            "password": [self.password, self.wrong_password],
            "payment token": [self.declined_token, "tok_visa"],
            "token": [token.rpartition(".")[2] for token in self.tokens],
            "idempotency key": self.keys,
            "card number": [CARDS[0], *CARDS],
        }
        return {kind: [text.encode() for text in kept] for kind, kept in texts.items()}


async def try_cards(client: Client) -> None:
    """Card numbers wherever a person or a program might put one."""
    for card in CARDS:
        body = {"payment": {"provider": "sandbox", "token": card}, "shipping_address": {**ADDRESS, "line2": card}}
        (await client.call("POST", "/api/v1/orders", body, idempotency_key=uuid.uuid4().hex)).problem(422)
        (await client.call("PUT", f"/api/v1/users/{client.user_id}", {"name": card})).problem(422)
        for path in (f"/api/v1/products?q={card}", f"/api/v1/orders/{card}", f"/api/v1/orders?cursor={card}"):
            (await client.call("GET", path)).problem(422)
        (await client.call("GET", "/api/v1/products", x_request_id=card)).expect(200)


async def test_no_place_keeps_a_person_a_token_or_a_card(
    shop: RunningShop, secrets: dict[str, Any], admin: Client, spans: SpanReceiver, mail_directory: Path, shop_url: str
) -> None:
    product = await admin.new_product()
    async with Client(shop_url) as client:
        person = Person(client)
        await person.join()
        paid = await person.order(product["id"], "tok_visa")
        await client.follow(paid, "paid")
        declined = await person.order(product["id"], person.declined_token)
        assert (await client.follow(declined, "cancelled"))["failure"]["code"] == "payment_declined"
        undone = await person.order(product["id"], "tok_visa")
        await client.follow(undone, "paid")
        (await client.call("POST", f"/api/v1/orders/{undone}/cancel")).expect(202)
        await client.follow(undone, "cancelled")
        await try_cards(client)
        mails = await eventually(
            lambda: mails_to(mail_directory, person.email), lambda found: len(found) >= len(person.order_ids) + 1
        )
        assert all(person.name in mail for mail in mails), "mails are where a name belongs"
    places = await everything(shop, secrets, spans, person)
    found = {
        (where, kind, secret)
        for where, data in places.items()
        for layer in ([data] if where.startswith(str(shop.home.root / "postgres")) else layers(data))
        for kind, texts in person.secrets.items()
        for secret in texts
        if secret in layer
    }
    assert found == set()


async def everything(
    shop: RunningShop, secrets: dict[str, Any], spans: SpanReceiver, person: Person
) -> dict[str, bytes]:
    """All that the shop wrote down, in which the orders themselves must be found: else the test looks in the wrong place."""
    order_id = person.order_ids[0].encode()
    places = await asyncio.to_thread(files_of, shop.home, without=(shop.home.mail,))
    tables = await asyncio.to_thread(postgres_dump, shop.home)
    keys = await redis_dump(secrets)
    places |= {"PostgreSQL": tables} | {f"Redis {key}": content for key, content in keys.items()}
    places |= await metrics_of(shop)
    assert any(order_id in layer and b"reserve_stock" in layer for layer in layers(tables)), "no workflow history"
    assert order_id in places["Redis orders"], "no events"
    assert order_id in places[str(shop.home.logs / "orders.log")], "no logs"
    if "PLAZA_TEST_SHOP" not in os.environ:
        places["spans"] = await eventually(lambda: spans_of(spans), lambda sent: order_id in sent)
    return places


async def spans_of(spans: SpanReceiver) -> bytes:
    return spans.raw()


async def metrics_of(shop: RunningShop) -> dict[str, bytes]:
    found = {}
    async with aiohttp.ClientSession() as http:
        for app_id, app in shop.run_json["apps"].items():
            async with http.get(f"http://127.0.0.1:{app['app_port']}/metrics") as answer:
                found[f"metrics of {app_id}"] = await answer.read()
    return found

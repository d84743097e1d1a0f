"""What nobody handles is answered inside the app: a real server keeps the connection, which daprd uses for others as well."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from apps.shared.platform.app import create_app
from apps.shared.platform.problems import FaultMiddleware
from apps.shared.platform.settings import ServiceSettings
from apps.shared.platform.sidecar import BODY_LENGTH_HEADER, Sidecar

SECONDS = 10


def build_router() -> APIRouter:
    router = APIRouter()

    @router.get("/fault")
    async def fault() -> None:
        raise RuntimeError("a secret")

    @router.get("/fine")
    async def fine() -> str:
        return "fine"

    @router.get("/broken-off")
    async def broken_off() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun"
            raise RuntimeError("a secret")

        return StreamingResponse(parts())

    return router


@pytest.fixture
async def port() -> AsyncIterator[int]:
    settings = ServiceSettings(app_id="test", app_port=1)
    app = create_app(
        settings,
        sidecar=Sidecar(port=1, token=""),
        routers=[build_router()],
        stores=[],
        statuses={},
        only_sidecar=False,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await asyncio.wait_for(serving, SECONDS)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[bytes, bytes]:
    """Status line and body, over a connection that stays open."""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    async with asyncio.timeout(SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        return head.split(b"\r\n")[0], await reader.readexactly(int(fields[b"content-length"]))


async def test_a_fault_costs_nobody_the_connection(port: int, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        status, body = await ask(reader, writer, "/fault")
        assert status == b"HTTP/1.1 500 Internal Server Error"
        assert json.loads(body)["status"] == 500
        assert b"secret" not in body
        assert await ask(reader, writer, "/fine") == (b"HTTP/1.1 200 OK", b'"fine"')
    writer.close()
    await writer.wait_closed()
    assert [record.name for record in caplog.records if record.exc_info] == ["apps.shared.platform.problems"] * 2


async def test_an_answer_that_has_begun_ends_with_its_connection(port: int, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /broken-off HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(SECONDS):
        answer = await reader.read(-1)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"begun" in answer
    assert not answer.endswith(b"0\r\n\r\n"), "the client would take it for whole"
    writer.close()
    await writer.wait_closed()
    assert [record.name for record in caplog.records if record.exc_info] == ["apps.shared.platform.problems"]


@pytest.mark.parametrize(("through_sidecar", "told"), [(True, [b"6"]), (False, [])])
async def test_an_answer_says_how_long_it_is_by_a_header_that_daprd_leaves_alone(
    through_sidecar: bool, told: list[bytes]
) -> None:
    sent: list[Message] = []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b'"fine"')(scope, receive, send)

    async def receive() -> Message:
        raise AssertionError("there is nothing to read")

    async def send(message: Message) -> None:
        sent.append(message)

    middleware = FaultMiddleware(answer, through_sidecar=through_sidecar)
    await middleware({"type": "http", "method": "GET", "headers": []}, receive, send)
    assert [value for name, value in sent[0]["headers"] if name == BODY_LENGTH_HEADER.encode()] == told

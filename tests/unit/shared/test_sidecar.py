"""An answer that broke off on its way is no answer, although Dapr passes it on as a whole one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apps.shared.platform.sidecar import BODY_LENGTH_HEADER, Sidecar, SidecarError


@asynccontextmanager
async def answering(head: str, body: bytes) -> AsyncIterator[Sidecar]:
    """A sidecar that answers everything with that."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        sidecar = Sidecar(port=server.sockets[0].getsockname()[1], token="")
        try:
            yield sidecar
        finally:
            await sidecar.close()


@pytest.mark.parametrize("came", [b"", b'{"id": "ord'])
async def test_an_answer_that_broke_off_is_no_answer(came: bytes) -> None:
    async with answering(f"{BODY_LENGTH_HEADER}: 15\r\n", came) as sidecar:
        with pytest.raises(SidecarError, match="the answer broke off"):
            await sidecar.request("GET", "/v1.0/invoke/orders/method/orders/ord_1")


async def test_an_app_of_which_the_sidecar_has_heard_nothing_has_not_answered() -> None:
    async with answering("", b"") as sidecar:
        with pytest.raises(SidecarError, match="the answer broke off"):
            await sidecar.request("GET", "/v1.0/invoke/orders/method/orders/ord_1")
    async with answering(f"{BODY_LENGTH_HEADER}: 0\r\n", b"") as sidecar:
        assert (await sidecar.request("GET", "/v1.0/invoke/orders/method/orders/ord_1")).body == b""
    async with answering("", b"") as sidecar:
        assert (await sidecar.request("POST", "/v1.0/publish/pubsub/orders")).body == b""


@pytest.mark.parametrize("head", [f"{BODY_LENGTH_HEADER}: 15\r\n", ""])
async def test_a_whole_answer_is_one_also_from_an_app_that_does_not_say_how_long_it_is(head: str) -> None:
    async with answering(head, b'{"id": "ord_1"}') as sidecar:
        assert (await sidecar.request("GET", "/orders/ord_1")).json() == {"id": "ord_1"}

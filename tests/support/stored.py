"""Everything that a shop has written down, as bytes to look through: files, PostgreSQL's tables, Redis's keys and streams."""

import asyncio
import base64
import binascii
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.local.home import Home
from tools.local.postgres import BIN

_HEX = re.compile(rb"\\x((?:[0-9a-f]{2}){4,})")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_READS = {
    "stream": ("XRANGE", "-", "+"),
    "hash": ("HGETALL",),
    "string": ("GET",),
    "set": ("SMEMBERS",),
    "list": ("LRANGE", "0", "-1"),
}
"""Command, and what follows the key, by type."""


def files_of(home: Home, *, without: tuple[Path, ...] = ()) -> dict[str, bytes]:
    """Each file below the home, by path; those that vanish meanwhile are left out."""
    found = {}
    for file in home.root.rglob("*"):
        if file.is_file() and not any(file.is_relative_to(place) for place in without):
            try:
                found[str(file)] = file.read_bytes()
            except FileNotFoundError:
                continue
    return found


def postgres_dump(home: Home) -> bytes:
    """Every table's rows: the state stores, actors, workflows with their history."""
    where = ("-h", str(home.postgres_socket_directory), "-U", "postgres")
    command = [str(BIN / "pg_dump"), *where, "--data-only", "postgres"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


async def redis_dump(secrets: dict[str, Any]) -> dict[str, bytes]:
    """Every key with its content, streams included."""
    host, port = secrets["redis"]["host"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def ask(*words: str) -> Any:
        parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        writer.write(f"*{len(words)}\r\n{parts}".encode())
        return await _reply(reader)

    try:
        assert await ask("AUTH", secrets["redis"]["password"]) == b"OK"
        found = {}
        for key in await ask("KEYS", "*"):
            command, *rest = _READS[(await ask("TYPE", key.decode())).decode()]
            found[key.decode()] = b"\n".join(_flat(await ask(command, key.decode(), *rest)))
        return found
    finally:
        writer.close()
        await writer.wait_closed()


def layers(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """`data`, and what is wrapped in it as PostgreSQL's hexadecimal or as base 64, over and over."""
    yield data
    if depth == 0:
        return
    unwrapped = [bytes.fromhex(found[1].decode()) for found in _HEX.finditer(data)]
    for found in _BASE64.finditer(data):
        text = found[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            unwrapped.append(base64.b64decode(text + b"=" * (-len(text) % 4)))
        except binascii.Error:
            continue
    if unwrapped:
        yield from layers(b"\n".join(unwrapped), depth - 1)


async def _reply(reader: asyncio.StreamReader) -> Any:
    """One answer in Redis's own protocol (RESP 2)."""
    line = (await reader.readline()).rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    assert kind != b"-", line
    if kind == b"$":
        return None if rest == b"-1" else (await reader.readexactly(int(rest) + 2))[:-2]
    if kind == b"*":
        return [await _reply(reader) for _ in range(int(rest))]
    return rest


def _flat(answer: Any) -> Iterator[bytes]:
    if isinstance(answer, list):
        for part in answer:
            yield from _flat(part)
    elif answer is not None:
        yield answer

"""NATS with JetStream: a server on loopback with a token, and a stream for each topic of the shop.

A stream drops what has an id that it saw a moment ago, whatever its topic: an event and the same event given up would be one.
"""

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.local.atomic import write_atomically
from tools.local.backend import Backend
from tools.local.home import Home
from tools.local.ports import BackendPorts

TOPICS = (
    "orders",
    "payments",
    "inventory",
    "carts-dead-letters",
    "inventory-dead-letters",
    "notifications-dead-letters",
)
KEPT_NANOSECONDS = 7 * 24 * 3600 * 10**9
DUPLICATES_NANOSECONDS = 10**8  # the least; a letter that could not be kept comes back to its own topic with its old id
ANSWER_SECONDS = 5.0
EXISTS = 10058  # JetStream's error code for a stream of that name with another configuration


def nats(home: Home, directory: Path, *, ports: BackendPorts, token: str) -> Backend:
    """`directory` holds the server. It is ready once its streams are there."""
    data = home.root / "nats"
    data.mkdir(exist_ok=True, mode=0o700)
    configuration = data / "nats.conf"
    port = ports["nats"]
    write_atomically(
        configuration,
        f'host: "127.0.0.1"\nport: {port}\nauthorization {{ token: "{token}" }}\n'
        f'jetstream {{ store_dir: "{data}", sync_interval: always }}\n',
    )
    return Backend(
        name="nats",
        command=[str(directory / "bin" / "nats-server"), "--config", str(configuration)],
        log=home.logs / "nats.log",
        is_ready=lambda: has_streams(port, token),
        details={"host": "127.0.0.1", "port": port},
    )


def has_streams(port: int, token: str) -> bool:
    """Makes those that are missing; whether all are there now."""
    return all(_has_stream(port, token, topic) for topic in TOPICS)


def _has_stream(port: int, token: str, topic: str) -> bool:
    """Makes the stream unless it is there; whether it is now."""
    wanted = {
        "name": topic,
        "subjects": [topic],
        "storage": "file",
        "retention": "limits",
        "max_age": KEPT_NANOSECONDS,
        "duplicate_window": DUPLICATES_NANOSECONDS,
    }
    with suppress(OSError, ValueError):
        answer = _ask(port, token, f"$JS.API.STREAM.CREATE.{topic}", wanted)
        error = answer.get("error")
        return error is None or error.get("err_code") == EXISTS
    return False


def _ask(port: int, token: str, subject: str, question: dict[str, Any]) -> dict[str, Any]:
    """One request in NATS's text protocol, which takes less than a client library and its event loop."""
    body = json.dumps(question).encode()
    hello = json.dumps({"verbose": False, "auth_token": token, "name": "plaza"}).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(
            b"CONNECT %b\r\nSUB answer 1\r\nPUB %b answer %d\r\n%b\r\n" % (hello, subject.encode(), len(body), body)
        )
        lines = connection.makefile("rb")
        while line := lines.readline():
            if line.startswith(b"MSG "):
                answer: dict[str, Any] = json.loads(lines.read(int(line.split()[-1])))
                return answer
            if line.startswith(b"PING"):
                connection.sendall(b"PONG\r\n")
            if line.startswith(b"-ERR"):
                break
    raise ValueError(f"NATS refused the request: {line.decode(errors='replace').strip()}")

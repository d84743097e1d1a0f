"""Fetches one file with limits on every wait, because a blocked network mostly swallows packets and says nothing.

Proxies of the environment (`HTTPS_PROXY`) and redirects are followed as urllib does. This module trusts nothing that it
fetches: the caller compares the sha256 that `fetch` returns.
"""

import hashlib
import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tools.obtain.limits import Limits

CHUNK_BYTES = 1 << 16


class DownloadError(Exception):
    """The file could not be had; the message names the cause, not the URL."""


def fetch(url: str, target: Path, *, limits: Limits, deadline: float) -> str:
    """Writes the file and returns its sha256. `deadline` is a `time.monotonic()` moment.

    Raises: DownloadError on refusal, any HTTP status but 200, a stall, or a passed deadline.
    """
    try:
        with _open(url, limits=limits) as response, target.open("wb") as file:
            return _copy(response, file, deadline=deadline)
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"the server answered {error.code}") from error
    except TimeoutError as error:
        raise DownloadError(f"nothing came for {limits.stall_seconds:g} s") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DownloadError(_reason(error)) from error


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, TimeoutError):
        return "the server cannot be reached in time"
    return (inner.strerror if isinstance(inner, OSError) else None) or str(inner) or type(inner).__name__


def _copy(response: http.client.HTTPResponse, file: IO[bytes], *, deadline: float) -> str:
    """Ends at the announced length, and calls less than that a failure; http.client would take it for the end."""
    announced = response.headers.get("Content-Length")
    expected_bytes = int(announced) if announced else None
    digest, received_bytes = hashlib.sha256(), 0
    # `read1`, because `read` waits for a full chunk, and so would hide a trickle from the deadline.
    while received_bytes != expected_bytes and (chunk := response.read1(CHUNK_BYTES)):
        if time.monotonic() > deadline:
            raise DownloadError("the time for downloads is used up")
        digest.update(chunk)
        file.write(chunk)
        received_bytes += len(chunk)
    if expected_bytes not in (None, received_bytes):
        raise DownloadError(f"the connection broke off after {received_bytes} of {expected_bytes} bytes")
    return digest.hexdigest()


def _open(url: str, *, limits: Limits) -> http.client.HTTPResponse:
    """On a thread of its own: looking up a name and trying several addresses in turn obey no time limit of ours."""
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"{url} is no http or https address")
    answers: queue.SimpleQueue[http.client.HTTPResponse | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(_opener(limits).open(url, timeout=limits.connect_seconds))
        except BaseException as error:  # handed to the caller, whichever it is
            answers.put(error)

    threading.Thread(target=run, name="plaza-download", daemon=True).start()
    try:
        answer = answers.get(timeout=limits.connect_seconds + limits.stall_seconds)
    except queue.Empty:
        raise DownloadError(f"no answer after {limits.connect_seconds + limits.stall_seconds:g} s") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _opener(limits: Limits) -> urllib.request.OpenerDirector:
    """Connects within one limit and reads within the other, which urllib's single `timeout` cannot tell apart."""

    def patient(connection_type: Callable[..., http.client.HTTPConnection]) -> Any:
        def connect(host: str, **options: Any) -> http.client.HTTPConnection:
            connection = connection_type(host, **options)
            plain_connect = connection.connect

            def connect_then_wait() -> None:
                plain_connect()
                connection.sock.settimeout(limits.stall_seconds)

            connection.connect = connect_then_wait  # type: ignore[method-assign]
            return connection

        return connect

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(patient(http.client.HTTPConnection), req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(patient(http.client.HTTPSConnection), req)

    return urllib.request.build_opener(Http, Https)

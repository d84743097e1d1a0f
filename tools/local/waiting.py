"""Bounded waiting, with an early end when the process that is waited for has died."""

import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse

from tools.local.errors import LocalError

POLL_SECONDS = 0.05
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy


def wait_until(is_true: Callable[[], bool], *, timeout_seconds: float, otherwise: Callable[[], str]) -> None:
    """Raises: LocalError with the text of `otherwise` when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise LocalError(otherwise())
        time.sleep(POLL_SECONDS)


def open_url(url: str | urllib.request.Request, *, timeout_seconds: float) -> HTTPResponse:
    """Raises: urllib.error.HTTPError on a status that is not 2xx, OSError when nothing answers."""
    answer: HTTPResponse = _OPENER.open(url, timeout=timeout_seconds)
    return answer


def answers_ok(url: str, *, timeout_seconds: float = 1.0) -> bool:
    """Whether a GET is answered with a 2xx status."""
    try:
        with open_url(url, timeout_seconds=timeout_seconds):
            return True
    except (OSError, HTTPException):
        return False

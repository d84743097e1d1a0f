"""A small client of the public API, for what the demo does as any client would: JSON in, JSON out, patient with a busy shop."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.waiting import open_url

TIMEOUT_SECONDS = 20.0
TRIES = 8
LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and its JSON body; an empty object where there is none."""

    status: int
    body: Any


class Api:
    """Bound to one gateway, and to a user once it has logged in."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self.base_url = base_url
        self.token = token

    def logged_in(self, email: str, password: str) -> "Api":
        """Raises: LocalError when the shop does not know them."""
        answer = self.call("POST", "/auth/login", {"email": email, "password": password}, expect={200})
        return Api(self.base_url, answer.body["access_token"])

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        expect: set[int],
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Repeats on 429 and 503, a few times: those say that nothing happened.

        Raises: LocalError with the problem's own words on any status that is not expected.
        """
        for left in reversed(range(TRIES)):
            answer, retry_after_seconds = self._once(method, path, body, headers or {})
            if answer.status in expect:
                return answer
            if answer.status not in (429, 503) or left == 0:
                break
            time.sleep(min(retry_after_seconds, LONGEST_PAUSE_SECONDS))
        problem = answer.body if isinstance(answer.body, dict) else {}
        said = problem.get("detail") or problem.get("title") or "no reason given"
        raise LocalError(f"{method} {path} answered {answer.status}: {said}")

    def pages(self, path: str, *, limit: int = 100) -> Iterator[Any]:
        """The items of every page of a listing. Raises: LocalError as `call`."""
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({"limit": limit, **({"cursor": cursor} if cursor else {})})
            page = self.call("GET", f"{path}?{query}", expect={200}).body
            yield from page["items"]
            cursor = page["next_cursor"]

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> urllib.request.Request:
        all_headers = {"Accept": "application/json", **headers}
        if self.token:
            all_headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json"
        return urllib.request.Request(self.base_url + path, data=data, headers=all_headers, method=method)

    def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> tuple[Answer, float]:
        try:
            with open_url(self.request(method, path, body, headers), timeout_seconds=TIMEOUT_SECONDS) as response:
                return Answer(response.status, _json(response.read())), 0.0
        except urllib.error.HTTPError as error:
            retry_after = error.headers.get("Retry-After", "")
            seconds = float(retry_after) if retry_after.isdigit() else 1.0
            return Answer(error.code, _json(error.read())), seconds
        except OSError as error:
            raise LocalError(f"{method} {path} got no answer: {error}") from error


def admin_of(home: Home) -> Api:
    """The running shop of `home`, to its first admin. Raises: LocalError when none runs there, or none that answers."""
    if not home.run_json.exists():
        raise LocalError(f"No shop runs in {home.root}: start one with 'make run'.")
    running = json.loads(home.run_json.read_text())
    return Api(running["gateway_url"]).logged_in(running["admin"]["email"], running["admin"]["password"])


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return {}

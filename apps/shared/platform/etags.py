"""Strong entity tags from what a client sees, so that they hold on every state store and every replica (RFC 9110, 8.8.3)."""

import hashlib
from typing import TypeVar

from fastapi import Response
from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def etag_of(representation: BaseModel) -> str:
    """The quoted ETag of a representation: equal exactly when the JSON is."""
    return f'"{hashlib.sha256(representation.model_dump_json().encode()).hexdigest()[:32]}"'


def matches(header: str, etag: str) -> bool:
    """Whether an `If-Match` or `If-None-Match` header names `etag`, or is `*`."""
    return any(candidate.strip().removeprefix("W/") in (etag, "*") for candidate in header.split(","))


def tagged(representation: M, response: Response, if_none_match: str) -> M | Response:
    """`representation` with its ETag on `response`; an empty 304 when the client names that ETag as the one that it has."""
    etag = etag_of(representation)
    if if_none_match and matches(if_none_match, etag):
        return Response(status_code=304, headers={"etag": etag})
    response.headers["etag"] = etag
    return representation

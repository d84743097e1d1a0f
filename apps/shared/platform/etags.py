"""Strong entity tags from what a client sees, so that they hold on every state store and every replica (RFC 9110, 8.8.3)."""

import hashlib

from pydantic import BaseModel


def etag_of(representation: BaseModel) -> str:
    """The quoted ETag of a representation: equal exactly when the JSON is."""
    return f'"{hashlib.sha256(representation.model_dump_json().encode()).hexdigest()[:32]}"'


def matches(header: str, etag: str) -> bool:
    """Whether an `If-Match` or `If-None-Match` header names `etag`, or is `*`."""
    return any(candidate.strip().removeprefix("W/") in (etag, "*") for candidate in header.split(","))

"""Writes docs/openapi/plaza.json, the one description of the public API, out of the services' own and the gateway's routing table."""

import argparse
import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from apps.gateway.main import build_app
from apps.gateway.routing import FORWARDED, ROWS, Access, Row
from apps.gateway.settings import PROJECT_ROOT, GatewaySettings
from apps.shared.contracts.users import Permission
from apps.shared.platform.problems import Problem, documented

TARGET = PROJECT_ROOT / "docs/openapi/plaza.json"
GATEWAY = "gateway"
DESCRIPTION = (
    "An e-commerce back end. Errors are RFC 9457 problems; money is counted in the currency's smallest unit; "
    "times are RFC 3339 in UTC. Every answer carries X-Request-Id."
)
RATE_HEADERS = {
    "Retry-After": "Seconds until the next request is welcome",
    "RateLimit-Limit": "Requests at once",
    "RateLimit-Remaining": "Requests left",
    "RateLimit-Reset": "Seconds until all are left again",
}

Json = dict[str, Any]
Operations = dict[tuple[str, str], Json]


class Undescribed(Exception):
    """The routing table and what the services offer do not agree."""


def services() -> list[str]:
    """The apps behind the gateway, in the order of the routing table."""
    return list(dict.fromkeys(row.app_id for row in FORWARDED))


def has_main(app_id: str) -> bool:
    return (PROJECT_ROOT / "apps" / app_id / "main.py").exists()


def service_document(app_id: str) -> Json:
    """The OpenAPI document of one service, as its own app gives it."""
    main = importlib.import_module(f"apps.{app_id}.main")
    settings = importlib.import_module(f"apps.{app_id}.settings")
    kind = getattr(settings, f"{app_id.title()}Settings")
    document: Json = main.build_app(kind(app_port=1)).openapi()
    return document


def merged(documents: dict[str, Json], *, missing: frozenset[str] = frozenset()) -> Json:
    """One document of every row of the routing table. Rows of apps in `missing` are left out.

    Raises Undescribed for a row that its service does not offer, for a public operation without a row, and for an operation id used twice.
    """
    documents = _without_schema_clashes(documents)
    offered = {app_id: _operations(document) for app_id, document in documents.items()}
    owners = {(row.method, row.path): row.app_id if row in FORWARDED else GATEWAY for row in ROWS}
    for app_id, operations in offered.items():
        for method, path in operations:
            if owners.get((method, path)) != app_id:
                raise Undescribed(f"{app_id} offers {method} {path}, which the routing table does not have")
    paths: Json = {}
    for row in ROWS:
        owner = owners[row.method, row.path]
        if owner in missing:
            continue
        operation = offered.get(owner, {}).get((row.method, row.path))
        if operation is None:
            raise Undescribed(f"{owner} does not offer {row.method} {row.path}, which the routing table has")
        paths.setdefault(row.path, {})[row.method.lower()] = _public(row, operation)
    ids = [operation["operationId"] for item in paths.values() for operation in item.values()]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise Undescribed(f"operation ids used twice: {', '.join(twice)}")
    schemas: Json = {}
    for document in documents.values():
        schemas.update(document.get("components", {}).get("schemas", {}))
    schemas.update(_problem_schemas())
    return {
        "openapi": "3.1.0",
        "info": {"title": "Plaza", "version": _version(), "description": DESCRIPTION},
        "paths": paths,
        "tags": [
            {"name": tag} for tag in sorted({tag for i in paths.values() for o in i.values() for tag in o["tags"]})
        ],
        "components": {
            "schemas": {name: schemas[name] for name in _reached(paths, schemas)},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def rendered(document: Json) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _operations(document: Json) -> Operations:
    return {
        (method.upper(), path): operation
        for path, item in document.get("paths", {}).items()
        for method, operation in item.items()
    }


def _public(row: Row, operation: Json) -> Json:
    """The operation with what the gateway adds to it: who may call, and the problems that it answers itself."""
    statuses = {400, 422, 429, 503} | ({413, 415} if row.takes_body else set())
    security: list[Json] = [{"bearer": []}]
    if row.access in (Access.ANYONE, Access.UNSIGNED):
        security = []
    if row.access is not Access.UNSIGNED:
        statuses.add(401)
    if row.access is Access.GUEST_OR_USER:
        security = [{}, {"bearer": []}]
    permission: Json = {}
    if isinstance(row.access, Permission):
        permission = {"x-plaza-permission": str(row.access)}
        statuses.add(403)
    if "{" in row.path:
        statuses.add(404)
    given = {status: answer for status, answer in operation["responses"].items() if int(status) < 400}
    refused = {int(status) for status in operation["responses"] if int(status) >= 400}
    problems = {str(status): _problem_answer(status) for status in sorted(statuses | refused)}
    return {**operation, "security": security, "responses": {**given, **problems}, **permission}


def _problem_answer(status: int) -> Json:
    answer: Json = {name: value for name, value in documented(status)[status].items() if name != "model"}
    headers = {429: RATE_HEADERS, 503: {"Retry-After": RATE_HEADERS["Retry-After"]}}.get(status, {})
    if headers:
        answer["headers"] = {
            name: {"description": text, "schema": {"type": "integer"}} for name, text in headers.items()
        }
    return answer


def _problem_schemas() -> Json:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    nested: Json = schema.pop("$defs")
    return {**nested, "Problem": schema}


def _without_schema_clashes(documents: dict[str, Json]) -> dict[str, Json]:
    """The documents, with each schema name that means different things in two services prefixed by the service."""
    meanings: dict[str, dict[str, str]] = {}
    for app_id, document in documents.items():
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            meanings.setdefault(name, {})[app_id] = json.dumps(schema, sort_keys=True)
    shared = {name: texts for name, texts in meanings.items() if len(texts) > 1}
    clashing = {name for name, texts in shared.items() if len(set(texts.values())) > 1}
    while more := {
        name
        for name, texts in shared.items()
        if name not in clashing and any(_refs(json.loads(text)) & clashing for text in texts.values())
    }:
        clashing |= more
    return {app_id: _renamed(document, app_id.title(), clashing) for app_id, document in documents.items()}


def _renamed(document: Json, prefix: str, names: set[str]) -> Json:
    def new_name(found: re.Match[str]) -> str:
        return f'"#/components/schemas/{prefix if found[1] in names else ""}{found[1]}"'

    made: Json = json.loads(re.sub(r'"#/components/schemas/([^"]+)"', new_name, json.dumps(document)))
    schemas = made.get("components", {}).get("schemas", {})
    for name in names & schemas.keys():
        schemas[prefix + name] = {**schemas.pop(name), "title": prefix + name}
    return made


def _refs(part: Any) -> set[str]:
    """Names of the schemas that a piece of a document refers to."""
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


def _reached(paths: Json, schemas: Json) -> list[str]:
    """The schemas that the operations need, directly or through others."""
    reached: set[str] = set()
    waiting = _refs(paths)
    while waiting:
        reached |= waiting
        waiting = {name for one in waiting for name in _refs(schemas[one])} - reached
    return sorted(reached)


def _version() -> str:
    found = re.search(r'(?m)^version = "(.+)"$', (PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def main(arguments: list[str] | None = None, *, target: Path = TARGET) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is not up to date")
    options = parser.parse_args(arguments)
    missing = frozenset(app_id for app_id in services() if not has_main(app_id))
    if missing:
        print(f"warning: left out, without a main.py yet: {', '.join(sorted(missing))}", file=sys.stderr)
    documents = {app_id: service_document(app_id) for app_id in services() if app_id not in missing}
    documents[GATEWAY] = build_app(GatewaySettings(app_port=1)).openapi()
    try:
        text = rendered(merged(documents, missing=missing))
    except Undescribed as error:
        print(f"openapi: {error}", file=sys.stderr)
        return 1
    if options.check:
        if target.exists() and target.read_text(encoding="utf-8") == text:
            return 0
        print(f"{target.relative_to(PROJECT_ROOT)} is not up to date: run 'make openapi'", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"wrote {target.relative_to(PROJECT_ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

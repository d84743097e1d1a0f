"""A server that nobody answers for is told by the component's name before any sidecar tries it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.local.components import read_components
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.ports import BackendPorts
from tools.local.reach import accepts, addresses, require_reachable
from tools.local.secret_file import MONGODB, ensure_secrets

SECRETS = {"redis": {"host": "127.0.0.1:9", "password": "127.0.0.1:9"}}


@pytest.fixture
def port() -> Iterator[int]:
    """At which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def look(directory: Path, *metadata: str, secrets: dict[str, dict[str, str]] = SECRETS) -> None:
    lines = "".join(f"    - {item}\n" for item in metadata)
    (directory / "cache.yaml").write_text(
        "kind: Component\nmetadata: { name: cache }\nspec:\n  type: state.redis\n  version: v1\n"
        f'  metadata:\n    - {{ name: enableTLS, value: "false" }}\n{lines}'
    )
    require_reachable(read_components([directory])[0], secrets)


def test_a_server_that_answers_is_enough(tmp_path: Path, port: int) -> None:
    look(tmp_path, f'{{ name: redisHost, value: "127.0.0.1:{port}" }}')
    look(tmp_path, f'{{ name: endpoints, value: "127.0.0.1:9,127.0.0.1:{port}" }}')
    look(
        tmp_path,
        "{ name: redisHost, secretKeyRef: { name: redis, key: host } }",
        secrets={"redis": {"host": f"127.0.0.1:{port}"}},
    )


def test_what_is_no_address_is_left_to_the_sidecar(tmp_path: Path) -> None:
    look(tmp_path, "{ name: redisPassword, secretKeyRef: { name: redis, key: password } }")
    look(tmp_path, '{ name: redisHost, value: "redis" }')


@pytest.mark.parametrize(
    "item",
    [
        '{ name: redisHost, value: "127.0.0.1:9" }',
        "{ name: redisHost, secretKeyRef: { name: redis, key: host } }",
        "{ name: VAULTADDR, value: http://127.0.0.1:9 }",
    ],
)
def test_a_server_that_does_not_is_told(tmp_path: Path, item: str) -> None:
    with pytest.raises(LocalError) as caught:
        look(tmp_path, item)
    assert str(caught.value) == f"component cache: nothing answers at 127.0.0.1:9 ({tmp_path / 'cache.yaml'})"


def test_every_component_that_has_a_server_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MONGODB, "mongodb://127.0.0.1:27017/?replicaSet=plaza")
    home = Home(tmp_path / "home")
    home.create()
    secrets = ensure_secrets(home, BackendPorts())
    for folder in (PROJECT / "components").iterdir():
        for component in read_components([folder])[0]:
            named = (secrets[one[0]][one[1]] if isinstance(one, tuple) else one for one in component.servers)
            is_remote = component.type not in ("secretstores.local.file", "bindings.smtp")
            assert bool(list(addresses(named))) is is_remote, component.file


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("127.0.0.1:6390", [("127.0.0.1", 6390)]),
        ("a.example:1,b.example:2", [("a.example", 1), ("b.example", 2)]),
        ("nats://127.0.0.1:4322", [("127.0.0.1", 4322)]),
        ("mongodb://ada:1815@db-1:27017,db-2:27018/?replicaSet=plaza", [("db-1", 27017), ("db-2", 27018)]),
        ("host=db port=5433 user=postgres password=x:9", [("db", 5433)]),
        ("host=/run/postgres user=postgres", [("/run/postgres", 5432)]),
        ("sesame", []),
    ],
)
def test_addresses_are_read_as_their_clients_read_them(value: str, found: list[tuple[str, int]]) -> None:
    assert list(addresses([value])) == found


def test_what_nobody_listens_at_accepts_nothing(tmp_path: Path) -> None:
    assert not accepts("127.0.0.1", 9)
    assert not accepts(str(tmp_path), 5432)

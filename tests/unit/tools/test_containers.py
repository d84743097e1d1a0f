"""Servers that a user runs already, containers among them, take the place of ours; without a Docker engine that is said, and no failure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.containers import STACKS, images
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.ports import BackendPorts
from tools.local.secret_file import ensure_secrets
from tools.local.servers import obtain_servers
from tools.local.stack import GIVEN_BY_OTHERS, OWN_SERVERS, Stack

PORTS = {technology: 28_001 + number for number, technology in enumerate(GIVEN_BY_OTHERS)}
IMAGES = images(PORTS, "sesame")
MONGODB = {"connectionString": "mongodb://127.0.0.1:27017/?replicaSet=plaza"}


def give(monkeypatch: pytest.MonkeyPatch, directory: Path, content: object) -> None:
    file = directory / "servers.json"
    file.write_text(json.dumps(content))
    monkeypatch.setenv(OWN_SERVERS, str(file))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


def test_a_server_of_the_users_own_is_told_to_the_shop_and_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Home
) -> None:
    stack = Stack("mongodb", "redis", cache="postgres")
    before = ensure_secrets(home, BackendPorts())
    assert list(stack.servers) == ["redis", "postgres"]
    with pytest.raises(LocalError, match="STATE=mongodb needs a replica set of yours"):
        obtain_servers(stack, print)

    give(monkeypatch, tmp_path, {"postgres": {"connectionString": "host=db"}, "mongodb": MONGODB})

    secrets = ensure_secrets(home, BackendPorts())
    assert (secrets["postgres"], secrets["mongodb"]) == ({"connectionString": "host=db"}, MONGODB)
    assert {name: secrets[name] for name in ("redis", "etcd", "admin")} == {
        name: before[name] for name in ("redis", "etcd", "admin")
    }
    assert list(stack.servers) == ["redis"]
    assert obtain_servers(stack, print) == {}


@pytest.mark.parametrize(("content", "told"), [({"oracle": {}}, "names oracle: choose from"), (7, "cannot be read")])
def test_a_file_that_names_no_servers_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: object, told: str
) -> None:
    give(monkeypatch, tmp_path, content)
    with pytest.raises(LocalError, match=told) as caught:
        _ = Stack().servers
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("technology", GIVEN_BY_OTHERS)
def test_an_image_tells_a_shop_what_our_own_server_would(technology: str, home: Home) -> None:
    image, own = IMAGES[technology], ensure_secrets(home, BackendPorts())[technology]
    assert set(image.secret) == set(own)
    assert any(str(PORTS[technology]) in value for value in image.secret.values())
    assert str(PORTS[technology]) in f"{image.command} {image.environment}"


def test_every_technology_has_its_turn() -> None:
    chosen = [Stack().with_words(words.split()) for words in STACKS]
    used = {technology for stack in chosen for technology in (stack.state, stack.pubsub, stack.cache)}
    assert used == set(GIVEN_BY_OTHERS) == set(IMAGES)


def test_without_an_engine_it_is_skipped(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tools.containers"],
        cwd=PROJECT,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    (line,) = told.stdout.splitlines()
    assert line.startswith("skipped: no Docker engine is found (")

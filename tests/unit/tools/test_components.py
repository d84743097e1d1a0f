"""Component files say what their types know, in the versions that there are, and want secrets that a shop has."""

from pathlib import Path

import pytest

from tools.local.components import find_mistakes, read_components, require_sound
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.known import extract, known_forms, source_of
from tools.local.ports import BackendPorts
from tools.local.run_file import read_run_file
from tools.local.secret_file import MONGODB, ensure_secrets

FOLDERS = sorted((PROJECT / "components").iterdir())
APP_IDS = frozenset(app.app_id for app in read_run_file(PROJECT / "dapr.yaml").apps)


def component(body: str) -> str:
    return f"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{ name: cache }}\nspec:\n{body}"


def told_of(directory: Path, body: str) -> list[str]:
    (directory / "cache.yaml").write_text(component(body))
    components, mistakes = read_components([directory])
    return [mistake.what for mistake in (*mistakes, *find_mistakes(components, app_ids=APP_IDS, secrets=None))]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_that_a_stack_may_have_is_of_a_known_form(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MONGODB, "mongodb://127.0.0.1:27017/?replicaSet=plaza")
    home = Home(tmp_path / "home")
    home.create()

    components, mistakes = read_components([folder])
    mistakes += find_mistakes(components, app_ids=APP_IDS, secrets=ensure_secrets(home, BackendPorts()))

    assert mistakes == []
    assert components
    assert {component.type for component in components} <= set(known_forms())


def test_what_is_known_is_what_dapr_has() -> None:
    if not all(source_of(module).is_dir() for module in ("dapr", "components-contrib")):
        pytest.skip("no source of Dapr is here: it comes with a build from source")
    assert extract(known_forms()) == known_forms()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("  type: state.redis\n  version: v7\n", "state.redis has no version v7, but v0 and v1 ({file})"),
        ("  type: state.etcd\n  version: v0\n", "state.etcd has no version v0, but v1 and v2 ({file})"),
        (
            "  type: state.redis\n  version: v1\n  metadata: [{ name: redisPasword, value: x }]\n",
            "state.redis knows no metadata redisPasword; is it redisPassword? ({file})",
        ),
        (
            "  type: pubsub.redis\n  version: v1\n  metadata: [{ name: actorStateStore, value: x }]\n",
            "pubsub.redis knows no metadata actorStateStore ({file})",
        ),
    ],
)
def test_what_a_type_does_not_know_is_told_with_what_it_does(tmp_path: Path, body: str, told: str) -> None:
    assert told_of(tmp_path, body) == [told.format(file=tmp_path / "cache.yaml")]


@pytest.mark.parametrize(
    "body",
    [
        "  type: state.redis\n",
        "  type: state.postgresql\n  version: v2\n  metadata: [{ name: connectionstring, value: x }]\n",
        "  type: state.cockroachdb\n  version: v1\n  metadata: [{ name: whatever, value: x }]\n",
    ],
    ids=["no version", "another case", "a type that is left to the sidecar"],
)
def test_what_a_sidecar_would_take_is_no_mistake(tmp_path: Path, body: str) -> None:
    assert told_of(tmp_path, body) == []


def test_all_mistakes_are_told_at_once_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(component("  type: state.redis\n  version: v7\n"))
    (tmp_path / "b.yaml").write_text("metadata: [")

    with pytest.raises(LocalError) as caught:
        require_sound([tmp_path], app_ids=APP_IDS, secrets={})

    first, second = str(caught.value).splitlines()
    assert first.startswith("component b.yaml: ")
    assert second.strip().startswith("component cache: state.redis has no version v7")

"""Which technology stands behind each capability: read from a run file, changed by words, and refused in words."""

from pathlib import Path

import pytest
import yaml

from tools.local.components import find_mistakes, read_components
from tools.local.errors import LocalError
from tools.local.home import PROJECT, Home
from tools.local.run_file import fitting_run_file, read_run_file
from tools.local.stack import CHOICES, Stack

ROOT_FILE = PROJECT / "dapr.yaml"
APP_IDS = frozenset(app.app_id for app in read_run_file(ROOT_FILE).apps)


def test_the_root_file_names_the_default_stack() -> None:
    assert read_run_file(ROOT_FILE).stack == Stack()


def test_words_change_what_they_name_and_nothing_else() -> None:
    assert Stack().with_words(["PUBSUB=kafka", "NAMES=consul"]) == Stack(pubsub="kafka", names="consul")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("PUBSUB=rabbit", "PUBSUB=rabbit is not known: choose from redis, kafka, nats."),
        ("QUEUE=kafka", "'QUEUE=kafka' is not known: choose with STATE=…, PUBSUB=…, SECRETS=…, CACHE=…, NAMES=…."),
        ("pubsub=kafka", "'pubsub=kafka' is not known"),
        ("STATE", "STATE= is not known: choose from postgres, etcd, redis, mongodb."),
    ],
)
def test_a_word_that_is_not_known_is_refused_with_those_that_are(word: str, told: str) -> None:
    with pytest.raises(LocalError) as caught:
        Stack().with_words([word])
    assert told in str(caught.value)


def test_each_technology_brings_its_servers() -> None:
    assert Stack().servers == ("postgres", "redis")
    assert Stack("etcd", "nats", "vault", "postgres", "consul").servers == (
        *("etcd-1", "etcd-2", "etcd-3"),
        *("nats", "openbao", "postgres", "consul"),
    )


def test_a_derived_run_file_has_the_chosen_folders_and_names(tmp_path: Path) -> None:
    words = ["STATE=etcd", "PUBSUB=kafka", "SECRETS=vault", "CACHE=postgres", "NAMES=consul"]

    run_file = fitting_run_file(ROOT_FILE, Home(tmp_path), port_offset=0, gateway_port=None, words=words)

    assert run_file.stack == Stack("etcd", "kafka", "vault", "postgres", "consul")
    configured = yaml.safe_load((tmp_path / "dapr/config/apps/orders.yaml").read_text())
    assert configured["spec"]["nameResolution"] == yaml.safe_load((PROJECT / "config/names/consul.yaml").read_text())


def test_the_mixed_run_file_gives_two_apps_folders_of_their_own_and_is_alike_in_all_else() -> None:
    mixed, plain = (yaml.safe_load((PROJECT / name).read_text()) for name in ("dapr.mix.yaml", "dapr.yaml"))
    folders = mixed["common"].pop("resourcesPaths")
    own = {entry["appID"]: entry.pop("resourcesPaths") for entry in mixed["apps"] if "resourcesPaths" in entry}
    usual = plain["common"].pop("resourcesPaths")

    assert mixed == plain
    assert folders == [folder.replace("pubsub-redis", "pubsub-nats") for folder in usual]
    assert own == {
        "catalog": [folder.replace("state-postgres", "state-etcd") for folder in folders],
        "payments": [folder.replace("pubsub-nats", "pubsub-kafka") for folder in folders],
    }


def test_words_choose_another_run_file_and_change_what_its_apps_have_in_common(tmp_path: Path) -> None:
    words = ["STACK=mix", "SECRETS=vault", "STATE=redis"]

    run_file = fitting_run_file(ROOT_FILE, Home(tmp_path), port_offset=0, gateway_port=None, words=words)

    assert run_file.stack == Stack(
        *("redis", "nats", "vault"),
        own=(("catalog", Stack("etcd", "nats", "vault")), ("payments", Stack("redis", "kafka", "vault"))),
    )
    assert run_file.stack.servers == ("redis", "nats", "openbao", "etcd-1", "etcd-2", "etcd-3", "kafka")
    assert str(run_file.stack).endswith("payments: STATE=redis PUBSUB=kafka SECRETS=vault CACHE=redis NAMES=sqlite")
    with pytest.raises(LocalError, match=r"STACK=mess is not known: there is no dapr\.mess\.yaml\."):
        fitting_run_file(ROOT_FILE, Home(tmp_path), port_offset=0, gateway_port=None, words=["STACK=mess"])


@pytest.mark.parametrize("name", ["dapr.yaml", "dapr.mix.yaml"])
def test_sidecars_stop_taking_events_after_an_app_is_back_and_before_redelivery_gives_up(name: str) -> None:
    common = yaml.safe_load((PROJECT / name).read_text())["common"]
    assert 10 < common["appHealthProbeInterval"] * common["appHealthThreshold"] < 80


def test_every_app_resolves_names_as_the_default_says() -> None:
    wanted = yaml.safe_load((PROJECT / "config/names/sqlite.yaml").read_text())
    for file in (PROJECT / "config/apps").glob("*.yaml"):
        assert yaml.safe_load(file.read_text())["spec"]["nameResolution"] == wanted, file.name


@pytest.mark.parametrize("capability", [capability for capability in CHOICES if capability != "names"])
def test_every_choice_offers_the_same_components_to_the_same_apps(capability: str) -> None:
    offered = {
        technology: {
            (component.name, component.scopes)
            for component in read_components([PROJECT / f"components/{capability}-{technology}"])[0]
        }
        for technology in CHOICES[capability]
    }
    first, *others = offered.values()
    assert first
    assert all(other == first for other in others), offered


def test_mistakes_in_component_files_are_told_by_the_components_name(tmp_path: Path) -> None:
    head = "apiVersion: dapr.io/v1alpha1\nkind: Component\n"
    (tmp_path / "a.yaml").write_text(head + "metadata: {name: cache}\nspec: {type: state.redis}\nscopes: [catalogue]\n")
    (tmp_path / "b.yaml").write_text(
        head + "metadata: {name: cache}\nspec:\n  type: state.redis\n  metadata:\n"
        "    - {name: redisHost, secretKeyRef: {name: redis, key: hst}}\n"
    )
    (tmp_path / "c.yaml").write_text(head + "metadata: [")
    (tmp_path / "d.yaml").write_text(head + "metadata: {name: nothing}\n")

    components, mistakes = read_components([tmp_path, tmp_path / "absent"])
    mistakes += find_mistakes(components, app_ids=APP_IDS, secrets={"redis": {"host": "127.0.0.1:1"}})

    told = [str(mistake) for mistake in mistakes]
    assert told[0].startswith("component c.yaml: ")
    assert "is not YAML" in told[0]
    assert told[1].startswith("component d.yaml: ")
    assert "'spec' is missing" in told[1]
    assert told[2] == f"component absent: the folder {tmp_path / 'absent'} is missing"
    assert told[3].startswith("component cache: its scope catalogue is no app of dapr.yaml")
    assert told[4] == f"component cache: {tmp_path / 'b.yaml'} and {tmp_path / 'a.yaml'} both define it"
    assert told[5].startswith("component cache: the secret redis/hst that it wants is not there")

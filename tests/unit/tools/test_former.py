"""A shop that was given another broker reads on what is left in the one before, by the same rules, for a day."""

import json
from pathlib import Path

import pytest
import yaml

from tools.local.former import READ_ON_SECONDS, formers, remember
from tools.local.home import PROJECT, Home
from tools.local.run_file import RunFile, fitting_run_file
from tools.local.stack import Stack

ROOT_FILE = PROJECT / "dapr.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


def start(home: Home, *words: str) -> RunFile:
    run_file = fitting_run_file(ROOT_FILE, home, port_offset=0, gateway_port=None, words=words)
    remember(home, run_file.stack.brokers)
    return run_file


def test_a_new_shop_has_no_broker_of_before(home: Home) -> None:
    assert start(home).stack == Stack()
    assert start(home).stack == Stack()


def test_the_broker_of_before_is_read_beside_the_new_one_with_its_server(home: Home) -> None:
    start(home)
    run_file = start(home, "PUBSUB=kafka")

    assert run_file.stack == Stack(pubsub="kafka", former_brokers=("redis",))
    assert run_file.stack.servers == ("postgres", "kafka", "redis")
    assert start(home, "PUBSUB=nats").stack.former_brokers == ("kafka", "redis")
    assert start(home).stack.former_brokers == ("kafka", "nats")


def test_a_broker_is_left_alone_once_its_time_is_over(home: Home) -> None:
    start(home)
    start(home, "PUBSUB=kafka")
    kept = json.loads((home.root / "brokers.json").read_text())
    kept["given_up_at"]["redis"] -= READ_ON_SECONDS + 1
    (home.root / "brokers.json").write_text(json.dumps(kept))

    assert start(home, "PUBSUB=kafka").stack == Stack(pubsub="kafka")


def test_a_day_begins_with_the_change_and_not_with_the_last_start(home: Home) -> None:
    start(home)
    start(home, "PUBSUB=kafka")
    given_up_at = json.loads((home.root / "brokers.json").read_text())["given_up_at"]["redis"]
    start(home, "PUBSUB=kafka")

    assert json.loads((home.root / "brokers.json").read_text())["given_up_at"] == {"redis": given_up_at}
    start(home)
    assert list(json.loads((home.root / "brokers.json").read_text())["given_up_at"]) == ["kafka"]


def test_its_components_and_subscriptions_are_those_of_before_under_other_names(home: Home) -> None:
    start(home)
    folder = start(home, "STACK=mix").path.parent / "components/former-pubsub-redis"

    for name in ("pubsub", "dead-letters"):
        written, before = (
            yaml.safe_load((where / f"{name}.yaml").read_text())
            for where in (folder, home.dapr / "components/pubsub-redis")
        )
        assert written.pop("metadata") == {"name": f"{name}-on-redis"}
        assert before.pop("metadata") == {"name": name}
        assert written == before
    subscriptions = [
        subscription for file in folder.glob("subscriptions-*") for subscription in yaml.safe_load_all(file.read_text())
    ]
    assert {(one["metadata"]["name"], one["spec"]["pubsubname"]) for one in subscriptions} == {
        (f"{consumer}-{topic}-on-redis", f"{component}-on-redis")
        for consumer in ("carts", "inventory", "notifications")
        for topic, component in (("orders", "pubsub"), ("dead-letters", "dead-letters"))
    }
    targets = yaml.safe_load((home.dapr / "config/resiliency/resiliency.yaml").read_text())["spec"]["targets"]
    assert targets["components"]["pubsub-on-redis"] == targets["components"]["pubsub"]
    assert targets["components"]["dead-letters-on-redis"] == targets["components"]["dead-letters"]


def test_every_sidecar_is_given_the_folder(home: Home) -> None:
    start(home)
    content = yaml.safe_load(start(home, "STACK=mix").path.read_text())

    given = [content["common"], *(entry for entry in content["apps"] if "resourcesPaths" in entry)]
    assert [entry["resourcesPaths"][-1] for entry in given] == ["components/former-pubsub-redis"] * 3
    assert formers(home, ["nats", "kafka"]) == ("redis",)

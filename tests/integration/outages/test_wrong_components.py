"""A component file that names a wrong password, or a server that is not there, ends the start within seconds, in one line."""

import re
from collections.abc import Iterator

import pytest

from tests.conftest import SHOP_ENVIRONMENT
from tests.support.shops import WORDS, new_home
from tools.local.errors import LocalError
from tools.local.home import Home
from tools.local.processes import ProcessTable
from tools.local.run_file import offset_of_another_shop
from tools.local.shop import Shop
from tools.local.stopping import delete_home
from tools.local.variant import vary

CACHE = "components/cache-redis/cache.yaml"


@pytest.fixture
def home() -> Iterator[Home]:
    home = new_home("wrong")
    yield home
    assert ProcessTable(home.root).list_marked() == []
    delete_home(home)


@pytest.mark.parametrize(
    ("wanted", "given", "told"),
    [
        pytest.param(
            "password",
            "value: sesame",
            r"The sidecar of catalog .*: component cache \(state\.redis/v1\): redis store: error connecting to redis at"
            r" 127\.0\.0\.1:\d+: WRONGPASS .* \(/.*/catalog\.daprd\.log\)",
            id="wrong password",
        ),
        pytest.param(
            "host",
            'value: "127.0.0.1:9"',
            r"component cache: nothing answers at 127\.0\.0\.1:9 \(/.*/cache\.yaml\)",
            id="server down",
        ),
    ],
)
def test_a_start_with_it_ends_at_once_and_names_component_and_cause(
    home: Home, wanted: str, given: str, told: str
) -> None:
    reference = rf"secretKeyRef: {{ name: redis, key: {wanted} }}"
    source = vary(home.root / "project", {CACHE: (reference, given)})
    shop = Shop(
        home,
        progress=print,
        port_offset=offset_of_another_shop(),
        environment=SHOP_ENVIRONMENT,
        source=source,
        words=(*WORDS, "CACHE=redis"),
    )

    with pytest.raises(LocalError) as caught:
        shop.start()

    (line,) = str(caught.value).splitlines()
    assert re.fullmatch(told, line)

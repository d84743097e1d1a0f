"""A view of the project differs from it in just what was asked for."""

from pathlib import Path

import pytest

from tools.local.home import PROJECT
from tools.local.variant import vary


def test_only_the_named_setting_differs(tmp_path: Path) -> None:
    source = vary(tmp_path, {"config/apps/*.yaml": (r"completed: \w+", "completed: 3s")})
    assert source.read_text() == (PROJECT / "dapr.yaml").read_text()
    for path in (PROJECT / "config" / "apps").glob("*.yaml"):
        text = (tmp_path / "config" / "apps" / path.name).read_text()
        assert text == path.read_text().replace("completed: 1h", "completed: 3s")
        assert "completed: 3s" in text
    assert (tmp_path / "apps" / "orders" / "main.py").read_text() == (
        PROJECT / "apps" / "orders" / "main.py"
    ).read_text()


def test_the_project_itself_stays_as_it_is(tmp_path: Path) -> None:
    before = (PROJECT / "dapr.yaml").read_text()
    source = vary(tmp_path, {"dapr.yaml": (r"workflows\.checkout\.main", "tests.support.upgraded_checkout")})
    assert source.read_text() == before.replace("workflows.checkout.main", "tests.support.upgraded_checkout")
    assert (PROJECT / "dapr.yaml").read_text() == before


def test_a_setting_that_is_not_there_is_no_silent_success(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="finished"):
        vary(tmp_path, {"config/apps/*.yaml": ("finished:", "")})

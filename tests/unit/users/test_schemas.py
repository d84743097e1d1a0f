"""What the users API takes in and what it refuses."""

import pytest
from pydantic import ValidationError

from apps.users.schemas import Credentials, ProfileIn, Registration


@pytest.mark.parametrize("spelling", ["Ada@Shop.EXAMPLE", "ada@shop.example"])
def test_spellings_of_an_address_are_one(spelling: str) -> None:
    body = Registration(email=spelling, password="correct horse battery", name="  Ada ")
    assert (body.email, body.name) == ("ada@shop.example", "Ada")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("password", "x" * 11, "at least 12"),
        ("password", "x" * 129, "at most 128"),
        ("email", "ada", "@-sign"),
        ("email", f"{'a' * 250}@shop.example", "at most 254"),
        ("name", " ", "one line of text"),
        ("name", "Ada\nBcc: all", "one line of text"),
        ("name", "x" * 201, "at most 200"),
        ("role", "admin", "not permitted"),
    ],
)
def test_refused_registrations(field: str, value: str, message: str) -> None:
    body = {"email": "ada@shop.example", "password": "correct horse battery", "name": "Ada", field: value}
    with pytest.raises(ValidationError, match=message) as refusal:
        Registration.model_validate(body)
    assert [error["loc"] for error in refusal.value.errors()] == [(field,)]


@pytest.mark.parametrize("size", [12, 128])
def test_passwords_at_the_limits(size: int) -> None:
    Registration.model_validate({"email": "ada@shop.example", "password": "x" * size, "name": "Ada"})


def test_a_short_password_at_login_is_merely_wrong() -> None:
    body = Credentials.model_validate({"email": "ada@shop.example", "password": "short"})
    assert "short" not in repr(body)


def test_too_many_addresses() -> None:
    address = {"name": "Ada", "line1": "1 Long Way", "city": "York", "postal_code": "YO1", "country": "GB"}
    assert len(ProfileIn.model_validate({"name": "Ada", "addresses": [address] * 20}).addresses or []) == 20
    with pytest.raises(ValidationError, match="at most 20"):
        ProfileIn.model_validate({"name": "Ada", "addresses": [address] * 21})

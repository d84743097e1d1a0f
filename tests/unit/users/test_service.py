"""Accounts, sessions and roles, over fakes."""

import pytest

from apps.users.domain import (
    Address,
    CredentialsRefused,
    EmailTaken,
    Family,
    RefreshToken,
    Role,
    SessionEnded,
    User,
    UserChanged,
    UserNotFound,
)
from tests.unit.fakes import NOON
from tests.unit.users.fakes import House

EMAIL, PASSWORD = "ada@shop.example", "correct horse battery"


@pytest.fixture
def house() -> House:
    return House()


async def register(house: House) -> User:
    return await house.service.register(email=EMAIL, password=PASSWORD, name="Ada")


async def test_registration_makes_a_customer(house: House) -> None:
    user = await register(house)
    assert user == User("usr_1", EMAIL, "Ada", Role.CUSTOMER, f"1:{PASSWORD}", NOON)
    assert house.users.users == {"usr_1": user}


async def test_an_address_serves_one_account(house: House) -> None:
    user = await register(house)
    with pytest.raises(EmailTaken):
        await house.service.register(email=EMAIL, password="another password", name="Eve")
    assert house.users.users == {"usr_1": user}


async def test_the_first_admin_is_made_once(house: House) -> None:
    await house.service.ensure_admin(email="root@shop.example", password=PASSWORD)
    await house.service.ensure_admin(email="root@shop.example", password="changed in the secret store")
    (admin,) = house.users.users.values()
    assert (admin.role, admin.password_hash) == (Role.ADMIN, f"1:{PASSWORD}")


async def test_another_replica_made_the_admin_meanwhile(house: House) -> None:
    admin = await house.service.register(email=EMAIL, password=PASSWORD, name="Admin", role=Role.ADMIN)
    house.users.late = 1
    await house.service.ensure_admin(email=EMAIL, password=PASSWORD)
    assert (house.users.late, house.users.users) == (0, {admin.id: admin})


async def test_login_opens_a_family_and_stores_no_token(house: House) -> None:
    await register(house)
    pair = await house.service.login(email=EMAIL, password=PASSWORD)
    token = RefreshToken.parse(pair.refresh_token)
    assert (pair.access_token, pair.expires_in_seconds) == ("usr_1 customer 12:00", 900)
    assert house.sessions.families == {token.family_id: Family("usr_1", token.secret_hash, 0)}
    assert token.secret not in str(house.sessions.families)


@pytest.mark.parametrize(("email", "verified"), [(EMAIL, f"1:{PASSWORD}"), ("nobody@shop.example", None)])
async def test_a_wrong_password_and_an_unknown_address_cost_the_same(
    house: House, email: str, verified: str | None
) -> None:
    await register(house)
    with pytest.raises(CredentialsRefused):
        await house.service.login(email=email, password="wrong password")
    assert house.passwords.verified == [verified]
    assert house.sessions.families == {}


async def test_login_renews_an_outdated_hash(house: House) -> None:
    await register(house)
    house.passwords.version = 2
    with pytest.raises(CredentialsRefused):
        await house.service.login(email=EMAIL, password="wrong password")
    assert house.users.users["usr_1"].password_hash == f"1:{PASSWORD}"
    await house.service.login(email=EMAIL, password=PASSWORD)
    assert house.users.users["usr_1"].password_hash == f"2:{PASSWORD}"


async def test_refresh_rotates_and_tells_the_role_of_now(house: House) -> None:
    await register(house)
    first = await house.service.login(email=EMAIL, password=PASSWORD)
    await house.service.assign_role("usr_1", Role.VENDOR, is_current=lambda _: True)
    house.clock.pass_time(minutes=10)
    second = await house.service.refresh(first.refresh_token)
    assert second.access_token == "usr_1 vendor 12:10"
    before, after = RefreshToken.parse(first.refresh_token), RefreshToken.parse(second.refresh_token)
    assert before.family_id == after.family_id
    assert house.sessions.families == {after.family_id: Family("usr_1", after.secret_hash, 1)}


async def test_a_dead_token_ends_its_family_and_no_other(house: House) -> None:
    await register(house)
    stolen = await house.service.login(email=EMAIL, password=PASSWORD)
    elsewhere = await house.service.login(email=EMAIL, password=PASSWORD)
    alive = await house.service.refresh(stolen.refresh_token)
    for token in (stolen, alive, stolen):
        with pytest.raises(SessionEnded):
            await house.service.refresh(token.refresh_token)
    assert (await house.service.refresh(elsewhere.refresh_token)).access_token == "usr_1 customer 12:00"


@pytest.mark.parametrize("text", ["", "x", "a.b", f"{'f' * 22}.{'s' * 43}", f"{'f' * 22}.{'s' * 42}\n"])
async def test_what_is_no_token_refreshes_nothing(house: House, text: str) -> None:
    await register(house)
    await house.service.login(email=EMAIL, password=PASSWORD)
    before = dict(house.sessions.families)
    with pytest.raises(SessionEnded):
        await house.service.refresh(text)
    await house.service.logout(text)
    assert house.sessions.families == before


async def test_logout_ends_the_family_also_by_a_dead_token(house: House) -> None:
    await register(house)
    first = await house.service.login(email=EMAIL, password=PASSWORD)
    second = await house.service.refresh(first.refresh_token)
    await house.service.logout(first.refresh_token)
    await house.service.logout(first.refresh_token)
    assert house.sessions.families == {}
    with pytest.raises(SessionEnded):
        await house.service.refresh(second.refresh_token)


async def test_a_profile_is_changed_only_as_it_was_read(house: House) -> None:
    home = Address("Ada", "1 Long Way", "York", "YO1", "GB")
    user = await register(house)
    changed = await house.service.change_profile(
        user.id, name="Ada Byron", addresses=(home,), is_current=lambda found: found == user
    )
    assert (changed.name, changed.addresses, changed.password_hash) == ("Ada Byron", (home,), user.password_hash)
    with pytest.raises(UserChanged):
        await house.service.change_profile(user.id, name="X", addresses=None, is_current=lambda found: found == user)
    kept = await house.service.change_profile(user.id, name="Countess", addresses=None, is_current=lambda _: True)
    assert (kept.name, kept.addresses) == ("Countess", (home,))


async def test_a_role_is_assigned_only_to_the_account_that_was_read(house: House) -> None:
    user = await register(house)
    with pytest.raises(UserChanged):
        await house.service.assign_role(user.id, Role.ADMIN, is_current=lambda _: False)
    assert (await house.service.get(user.id)).role is Role.CUSTOMER


async def test_unknown_users(house: House) -> None:
    with pytest.raises(UserNotFound):
        await house.service.get("usr_9")
    with pytest.raises(UserNotFound):
        await house.service.assign_role("usr_9", Role.ADMIN, is_current=lambda _: True)

"""Whatever the stores of the services write, the walk over their journals finds: nothing stays behind unnoticed."""

from datetime import timedelta

from apps.catalog.changes import ChangeJournal
from apps.catalog.domain import Intake, Product
from apps.catalog.store import DaprProductStore
from apps.inventory.domain import Reservation, ReservationStatus, receive
from apps.inventory.store import DaprInventoryStore
from apps.notifications.domain import Kind, MailStatus, Message
from apps.notifications.store import DaprMessageStore
from apps.orders.ports import Attempt
from apps.orders.store import DaprOrderStore
from apps.payments.domain import never_authorized
from apps.payments.sandbox import VISA, SandboxProvider
from apps.payments.store import DaprPaymentStore
from apps.shared.money import Money
from apps.shared.platform.dead_letters import DeadLetters
from apps.shared.platform.state import StateStore
from apps.shared.platform.subscriptions import Subscriptions
from apps.users.domain import Role, User
from apps.users.store import DaprUserStore
from tests.unit.fakes import NOON, FixedClock, MemorySidecar, memory_state
from tests.unit.orders.test_domain import drafted
from tests.unit.tools.test_migrate import TwoStores
from tools.migrate.contents import WALKS, Found
from tools.migrate.documents import WITNESS, Copier

USER = User("usr_1", "ada@shop.example", "Ada", Role.CUSTOMER, "hash", NOON)
PRICE = Money(1250, "USD")
SKU = "PEN-1"
LATER = NOON + timedelta(hours=2)


async def look_away(_: object) -> None:
    """What a sweep does to what it comes by."""


async def users(state: StateStore) -> None:
    await DaprUserStore(state).add(USER)
    await DaprUserStore(state).add(User("usr_2", "bob@shop.example", "Bob", Role.CUSTOMER, "hash", NOON))


async def orders(state: StateStore) -> None:
    store, order = DaprOrderStore(state), drafted()
    await store.begin(USER.id, "a key", Attempt(order.id, "hash", NOON), resume_before=NOON)
    await store.begin("usr_3", "of one that died", Attempt("ord_9", "hash", NOON), resume_before=NOON)
    resumed = Attempt("ord_10", "hash", NOON + timedelta(hours=1))
    await store.begin("usr_3", "of one that died", resumed, resume_before=NOON + timedelta(minutes=1))
    await store.add(order)
    await store.sweep(LATER, look_away)


async def payments(state: StateStore) -> None:
    await SandboxProvider(state, late_seconds=0).authorize("ord_9", token=VISA, amount=PRICE)
    await SandboxProvider(state, late_seconds=0).authorize("ord_1", token=VISA, amount=PRICE)
    paid = never_authorized("pay_1", "ord_1", provider="sandbox", currency="USD")
    await DaprPaymentStore(state).save("ord_1", lambda _: paid, at=NOON)


async def catalog(state: StateStore) -> None:
    store = DaprProductStore(state, ChangeJournal(state))
    for number in range(3):
        product = Product(f"prd_{number}", f"PEN-{number}", "Pen", "", "pens", PRICE, "usr_1", NOON, NOON)
        await store.add(product, [Intake("east", 1)] if number else [], NOON)
    await store.remove("prd_2", lambda _: None)
    await store.clear_intakes("prd_2")
    await store.sweep_intakes(LATER, look_away)


async def inventory(state: StateStore) -> None:
    store = DaprInventoryStore(state)
    for receipt_id in ("prd_1-east", "rcp_1"):
        await store.receive(receipt_id, SKU, lambda stock: receive(stock, warehouse="east", quantity=1))
    held = Reservation("ord_1", ReservationStatus.HELD, (), NOON)
    await store.change("ord_1", [SKU], lambda _, stocks: (held, stocks), at=NOON)
    refused = Reservation("ord_9", ReservationStatus.REFUSED, (), NOON)
    await store.change("ord_9", [SKU], lambda _, stocks: (refused, stocks), at=NOON)
    await store.sweep(LATER, look_away)
    await letters(state)


async def notifications(state: StateStore) -> None:
    for user_id in ("usr_1", "usr_2", "usr_3"):
        message = Message(f"ntf_{user_id}", user_id, "ord_1", next(iter(Kind)), "", "", NOON, MailStatus.SENT, NOON)
        await DaprMessageStore(state).keep(message)
    await letters(state)


async def letters(state: StateStore) -> None:
    await DeadLetters(state, Subscriptions(), FixedClock(), consumer="any").keep(b"what came")


FILLED = {
    "orders": orders,
    "users": users,
    "payments": payments,
    "catalog": catalog,
    "inventory": inventory,
    "notifications": notifications,
    "carts": letters,
}


async def test_all_that_was_written_is_found() -> None:
    found = Found()
    assert list(FILLED) == list(WALKS)
    for app_id, walk in WALKS.items():
        sidecar = MemorySidecar()
        await FILLED[app_id](memory_state(sidecar))
        written = {key: value for key, (value, _) in sidecar.documents.items()}
        stores = TwoStores({WITNESS: "{}", **written})

        await walk(Copier(stores, "from", "to"), found)  # type: ignore[arg-type]

        assert {key: row["data"] for key, row in stores.stores["to"].items()} == written, app_id
    assert found.under_way == ["ord_1"]

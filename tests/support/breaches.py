"""Breaks one invariant of a running shop at a time, in what its services have stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from apps.inventory.domain import Reservation, ReservationStatus, Shelf, Stock
from apps.notifications.domain import MailStatus, Message, message_id
from apps.orders.domain import Order, OrderStatus
from apps.payments import domain as payments
from apps.payments.domain import MovementKind, Payment, PaymentStatus
from apps.payments.ports import Standing
from apps.payments.sandbox import Account
from apps.shared.contracts.amount import Amount
from apps.shared.contracts.checkout import StartCheckout
from apps.shared.contracts.inventory import StockLine
from tests.support.vault import Vault
from tools.audit.invariants import Kind

QUANTITY = 2
"""Units in an order that is broken by `plant`."""


async def plant(vault: Vault, kind: Kind, subject: str, product: dict[str, Any]) -> None:
    """Break one thing about the SKU or the order `subject`, and nothing else. An order is of QUANTITY units of `product`."""
    sku = product["sku"]

    async def move(name: str, **changes: int) -> None:
        def change(stock: Stock) -> Stock:
            shelf = stock.shelves["east"]
            moved = Shelf(shelf.on_hand + changes.get("on_hand", 0), shelf.reserved + changes.get("reserved", 0))
            return replace(
                stock,
                shelves={**stock.shelves, "east": moved},
                received=stock.received + changes.get("received", 0),
                sold=stock.sold + changes.get("sold", 0),
            )

        await vault.change("inventory", f"stock/{name}", Stock, change)

    async def reservation(status: ReservationStatus) -> None:
        await vault.change(
            "inventory", f"reservation/{subject}", Reservation, lambda found: replace(found, status=status)
        )

    async def payment(change: Callable[[Payment], Payment]) -> None:
        await vault.change("payments", f"payment/{subject}", Payment, change)

    async def account(change: Callable[[Account], Account]) -> None:
        await vault.change("payments", f"sandbox/{subject}", Account, change)

    async def message(change: Callable[[Message], Message | None]) -> None:
        await vault.change("notifications", f"message/{message_id(f'{subject}:paid')}", Message, change)

    now = datetime.now(UTC)
    match kind:
        case Kind.STOCK_UNBALANCED:
            await move(subject, received=1)
        case Kind.RESERVED_DIFFERS:
            await move(subject, reserved=1)
        case Kind.SOLD_DIFFERS:
            await move(subject, on_hand=-1, sold=1)
        case Kind.MONEY_WRONG:
            await payment(lambda found: payments.refunded(found, reference="planted", at=now))
            await account(lambda a: replace(a, standing=Standing.NOTHING, refunded_minor=a.captured_minor))
        case Kind.CHARGED_TWICE:
            await payment(
                lambda found: replace(
                    payments.refunded(
                        payments.captured(found, reference="planted", at=now), reference="planted", at=now
                    ),
                    status=PaymentStatus.CAPTURED,
                )
            )
            await account(lambda a: replace(a, captured_minor=2 * a.captured_minor, refunded_minor=a.captured_minor))
        case Kind.LEDGER_DIFFERS:
            await payment(
                lambda found: replace(
                    found,
                    status=PaymentStatus.AUTHORIZED,
                    movements=tuple(line for line in found.movements if line.kind is not MovementKind.CAPTURE),
                )
            )
        case Kind.ORDER_STUCK:
            await vault.change(
                "orders",
                f"order/{subject}",
                Order,
                lambda found: replace(found, status=OrderStatus.DRAFT, timeline=found.timeline[:1], failure=None),
            )
        case Kind.HOLD_ORPHANED:
            await reservation(ReservationStatus.HELD)
            await move(sku, reserved=QUANTITY)
        case Kind.SALE_UNPAID:
            await reservation(ReservationStatus.SOLD)
            await move(sku, on_hand=-QUANTITY, sold=QUANTITY)
        case Kind.SALE_MISSING:
            await reservation(ReservationStatus.HELD)
            await move(sku, on_hand=QUANTITY, reserved=QUANTITY, sold=-QUANTITY)
        case Kind.WORKFLOW_ORPHANED:
            await vault.change("orders", f"order/{subject}", Order, lambda _: None)
        case Kind.WORKFLOW_LINGERS:
            # Another total than was authorized is a fault, which the saga tries again for minutes.
            line = StockLine(sku=sku, quantity=QUANTITY)
            await vault.start_checkout(
                StartCheckout(order_id=subject, lines=(line,), total=Amount(amount_minor=1, currency="USD"))
            )
        case Kind.MESSAGE_MISSING:
            await message(lambda _: None)
        case Kind.MAIL_UNSENT:
            await message(lambda found: replace(found, mail=MailStatus.FAILED))

"""Answers of the payments API, which only the audit reads."""

from pydantic import BaseModel

from apps.payments.domain import MovementKind, Payment
from apps.payments.ports import AuditedPayment, Books
from apps.shared.contracts.amount import Amount
from apps.shared.money import Money, total


class LedgerOut(BaseModel):
    """Our own ledger: what was captured and refunded in all, and in how many captures."""

    status: str
    captured: Amount
    refunded: Amount
    captures: int

    @classmethod
    def of(cls, payment: Payment) -> "LedgerOut":
        def moved(kind: MovementKind) -> list[Money]:
            return [line.amount for line in payment.movements if line.kind is kind]

        captures, currency = moved(MovementKind.CAPTURE), payment.amount.currency
        return cls(
            status=payment.status,
            captured=Amount.of(total(captures, currency=currency)),
            refunded=Amount.of(total(moved(MovementKind.REFUND), currency=currency)),
            captures=len(captures),
        )


class BooksOut(BaseModel):
    """The provider's own ledger; `standing` is where the money is now: `nothing`, `authorized` or `captured`."""

    standing: str
    captured: Amount
    refunded: Amount

    @classmethod
    def of(cls, books: Books) -> "BooksOut":
        return cls(standing=books.standing, captured=Amount.of(books.captured), refunded=Amount.of(books.refunded))


class AuditedPaymentOut(BaseModel):
    """The money of one order, as we and as the provider have it written down."""

    order_id: str
    ledger: LedgerOut | None
    books: BooksOut | None

    @classmethod
    def of(cls, audited: AuditedPayment) -> "AuditedPaymentOut":
        return cls(
            order_id=audited.order_id,
            ledger=LedgerOut.of(audited.payment) if audited.payment else None,
            books=BooksOut.of(audited.books) if audited.books else None,
        )


class AuditedPaymentPage(BaseModel):
    """All payments, oldest hour first; one may come more than once."""

    items: list[AuditedPaymentOut]
    next_cursor: str | None

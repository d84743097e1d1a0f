"""The one table of what the shop offers to the outside: which request goes to which service, and who may send it."""

from dataclasses import dataclass
from enum import StrEnum

from apps.shared.contracts.users import Permission


class Access(StrEnum):
    """Who may call, where no permission is asked. A token that is sent must be valid, but for UNSIGNED, which looks at none:
    who renews an expired token may well send it along."""

    UNSIGNED = "unsigned"
    ANYONE = "anyone"
    GUEST_OR_USER = "guest-or-user"
    SIGNED_IN = "signed-in"


class Rate(StrEnum):
    """Which limit a request counts against. LOGIN counts as AUTH, and once more under the e-mail address that it names."""

    STANDARD = "standard"
    AUTH = "auth"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Row:
    """One public operation. `path` is the template on both sides; services own their public paths."""

    method: str
    path: str
    app_id: str
    access: Access | Permission
    rate: Rate = Rate.STANDARD

    @property
    def takes_body(self) -> bool:
        return self.method in ("POST", "PUT")


EVENTS = Row("GET", "/api/v1/orders/{order_id}/events", "orders", Permission.ORDERS_READ)
"""Answered by the gateway itself, from polls of `orders` (streaming.py)."""

PRODUCT = Row("GET", "/api/v1/products/{product_id}", "catalog", Access.ANYONE)
"""Answered for many at once (pages.py)."""

# The framework looks at one after the other: what is asked for most stands first.
FORWARDED = (
    PRODUCT,
    Row("GET", "/api/v1/products", "catalog", Access.ANYONE),
    Row("GET", "/api/v1/orders/{order_id}", "orders", Permission.ORDERS_READ),
    Row("PUT", "/api/v1/cart/items/{product_id}", "carts", Access.GUEST_OR_USER),
    Row("GET", "/api/v1/cart", "carts", Access.GUEST_OR_USER),
    Row("POST", "/api/v1/orders", "orders", Permission.ORDERS_PLACE),
    Row("POST", "/auth/register", "users", Access.UNSIGNED, Rate.AUTH),
    Row("POST", "/auth/login", "users", Access.UNSIGNED, Rate.LOGIN),
    Row("POST", "/auth/refresh", "users", Access.UNSIGNED),
    Row("POST", "/auth/logout", "users", Access.UNSIGNED),
    Row("GET", "/.well-known/jwks.json", "users", Access.ANYONE),
    Row("GET", "/api/v1/users/{user_id}", "users", Access.SIGNED_IN),
    Row("PUT", "/api/v1/users/{user_id}", "users", Access.SIGNED_IN),
    Row("PUT", "/api/v1/users/{user_id}/role", "users", Permission.USERS_ASSIGN_ROLES),
    Row("POST", "/api/v1/products", "catalog", Permission.PRODUCTS_WRITE),
    Row("PUT", "/api/v1/products/{product_id}", "catalog", Permission.PRODUCTS_WRITE),
    Row("DELETE", "/api/v1/products/{product_id}", "catalog", Permission.PRODUCTS_WRITE),
    Row("GET", "/api/v1/categories", "catalog", Access.ANYONE),
    Row("DELETE", "/api/v1/cart", "carts", Access.GUEST_OR_USER),
    Row("GET", "/api/v1/orders", "orders", Permission.ORDERS_READ),
    Row("POST", "/api/v1/orders/{order_id}/cancel", "orders", Permission.ORDERS_READ),
    Row("POST", "/api/v1/orders/{order_id}/ship", "orders", Permission.ORDERS_FULFIL),
    Row("POST", "/api/v1/orders/{order_id}/deliver", "orders", Permission.ORDERS_FULFIL),
    Row("GET", "/api/v1/inventory/{sku}", "inventory", Permission.INVENTORY_READ),
    Row("POST", "/api/v1/inventory/{sku}/receipts", "inventory", Permission.INVENTORY_WRITE),
    Row("GET", "/api/v1/notifications", "notifications", Access.SIGNED_IN),
    Row("GET", "/api/v1/audit/orders", "orders", Permission.AUDIT_READ),
    Row("GET", "/api/v1/audit/stock", "inventory", Permission.AUDIT_READ),
    Row("GET", "/api/v1/audit/reservations", "inventory", Permission.AUDIT_READ),
    Row("GET", "/api/v1/audit/payments", "payments", Permission.AUDIT_READ),
    Row("GET", "/api/v1/audit/notifications", "notifications", Permission.AUDIT_READ),
    *(
        row
        for consumer in ("inventory", "carts", "notifications")
        for path in (f"/api/v1/audit/dead-letters/{consumer}",)
        for row in (
            Row("GET", path, consumer, Permission.AUDIT_READ),
            Row("POST", f"{path}/{{letter_id}}/replay", consumer, Permission.EVENTS_REPLAY),
            Row("DELETE", f"{path}/{{letter_id}}", consumer, Permission.EVENTS_REPLAY),
        )
    ),
)

ROWS = (*FORWARDED, EVENTS)

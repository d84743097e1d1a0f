"""Which role may do what: the one table, written into each access token."""

from apps.shared.contracts.users import Permission
from apps.users.domain import Role

_SHOPPING = frozenset({Permission.ORDERS_PLACE, Permission.ORDERS_READ})

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.CUSTOMER: _SHOPPING,
    Role.VENDOR: _SHOPPING | {Permission.PRODUCTS_WRITE, Permission.INVENTORY_READ, Permission.INVENTORY_WRITE},
    Role.ADMIN: frozenset(Permission),
}

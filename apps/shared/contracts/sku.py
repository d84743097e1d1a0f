"""What a SKU looks like, wherever one is named: `catalog` makes them, `inventory` counts them."""

SKU_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

"""A seeded storm over a shop: contended orders, impatient clients, killed processes and repeated events, then a count of what was lost."""

"""Checks the shop's invariants over everything that it has stored, through its own API, on whatever stores it runs."""

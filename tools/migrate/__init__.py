"""Moves a stopped shop's state from one store to another, through Dapr alone."""

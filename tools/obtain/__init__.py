"""Comes by programs that a pip install cannot bring: fetched or built once for each user, with progress, limits and a lock."""

"""Measures what Plaza costs, beside what Dapr and the stores alone would cost on the same machine in the same run: `make bench`."""

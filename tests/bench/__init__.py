"""Benchmarks: `make bench-*` prints a table and writes JSON. Nothing here asserts a time."""

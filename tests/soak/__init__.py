"""Promotions and rollbacks under load while everything around the operator fails: see `make soak`."""

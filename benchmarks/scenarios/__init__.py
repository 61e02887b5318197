"""Scenarios that `make prove` runs: each one measures something and exits with 1 if its bound is exceeded."""

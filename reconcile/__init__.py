"""Reconciliation of recorded data with the vendors: flights, the engine that sends them, and pure decisions in `rules/`."""

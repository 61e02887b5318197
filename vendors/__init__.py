"""Adapters for GPU clouds, one module per cloud, and the client code that they share. `registry` finds the adapters."""

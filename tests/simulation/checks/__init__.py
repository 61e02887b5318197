"""The invariants that are checked after every applied flight."""

"""The bounds of an operation, as values that are handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """What one operation may be. `statement_seconds` bounds each statement, `body_bytes` the request's body."""

    tokens: int = 2_000
    fields: int = 500
    depth: int = 12
    introspection_depth: int = 24
    root_fields: int = 20
    forced: int = 5
    nodes: int = 20_000
    links_depth: int = 4
    errors: int = 20
    body_bytes: int = 1_000_000
    statement_seconds: float = 5

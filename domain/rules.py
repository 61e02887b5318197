"""The configured limits and time spans, as values that callers pass in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FreshnessRules:
    """How old data may be, how long a reader waits, and how long calls are held back. All values are in seconds."""

    cooldown_seconds: float = 30
    floor_seconds: float = 5
    deadline_seconds: float = 10
    deadline_max_seconds: float = 60
    flight_seconds: float = 30
    error_hold_seconds: float = 5
    error_hold_max_seconds: float = 60
    force_gap_seconds: float = 2


@dataclass(frozen=True, slots=True)
class AbsenceRules:
    """How much evidence the status `DELETED` requires."""

    grace_seconds: float = 120
    witness_seconds: float = 120
    suspect_seconds: float = 900
    probes_per_flight: int = 20


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """The largest operation that is accepted.

    `statement_seconds` limits each SQL statement, and `body_bytes` the body of the HTTP request.
    """

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

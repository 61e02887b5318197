"""The numbers of the rules of truth, as values that are handed in. All in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FreshnessRules:
    """How fresh, how long to wait, how long to hold back."""

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
    """How much evidence "deleted" needs."""

    grace_seconds: float = 120
    witness_seconds: float = 120
    suspect_seconds: float = 900
    probes_per_flight: int = 20

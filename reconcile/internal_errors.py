"""Internal errors of flights: a flight that failed in our own code is not repeated at once, and its error is shared.

The database may be the cause, so the failures are remembered in memory, by the event loop's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from domain.enums import StaleReason
from reconcile.flights import Flight, FlightOutcome


@dataclass(frozen=True, slots=True)
class _HeldError:
    flight: Flight
    failures: int
    until: float


class InternalErrors:
    """The recent internal errors by scope or resource. `hold_seconds` maps failures in a row to the hold after them."""

    def __init__(self, hold_seconds: Callable[[int], float]) -> None:
        self._hold_seconds = hold_seconds
        self._failed: dict[Hashable, _HeldError] = {}

    def record_outcome(self, target: Hashable, flight: Flight, outcome: FlightOutcome) -> None:
        """Record how a flight to this scope or resource ended."""
        if outcome.reason is not StaleReason.GATEWAY_ERROR:
            self._failed.pop(target, None)
            return
        before = self._failed.get(target)
        failures = 1 if before is None else before.failures + 1
        until = asyncio.get_running_loop().time() + self._hold_seconds(failures)
        self._failed[target] = _HeldError(flight, failures, until)

    def held_flight(self, target: Hashable) -> Flight | None:
        """Return the failed flight while it must not be repeated."""
        failed = self._failed.get(target)
        return failed.flight if failed is not None and asyncio.get_running_loop().time() < failed.until else None

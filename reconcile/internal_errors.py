"""Errors of our own: a flight that broke is not sent again at once, and all who ask meanwhile are told its error.

The record may not be there to keep that in, so it is remembered here, by the event loop's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from reconcile.flights import Flight, FlightOutcome


@dataclass(frozen=True, slots=True)
class _Held:
    flight: Flight
    failures: int
    until: float


class InternalErrors:
    """What broke lately. `hold_seconds` tells for how long, of a number of failures in a row."""

    def __init__(self, hold_seconds: Callable[[int], float]) -> None:
        self._hold_seconds = hold_seconds
        self._held: dict[Hashable, _Held] = {}

    def ended(self, what: Hashable, flight: Flight, outcome: FlightOutcome) -> None:
        """Note how a flight to this scope or resource ended."""
        if outcome.error is None:
            self._held.pop(what, None)
            return
        before = self._held.get(what)
        failures = 1 if before is None else before.failures + 1
        until = asyncio.get_running_loop().time() + self._hold_seconds(failures)
        self._held[what] = _Held(flight, failures, until)

    def held(self, what: Hashable) -> Flight | None:
        """The flight that broke, while it is not to be sent again."""
        found = self._held.get(what)
        return found.flight if found is not None and asyncio.get_running_loop().time() < found.until else None

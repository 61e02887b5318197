"""A clock that tests control."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until a test moves it.

    `advance` lets time pass; `step` sets the clock without letting time pass.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._steady = 0.0

    def now(self) -> datetime:
        """Return the instant that the clock shows."""
        return self._now

    def steady(self) -> float:
        """Return the seconds that have passed."""
        return self._steady

    def advance(self, seconds: float) -> datetime:
        """Let time pass. Return the new instant."""
        self._steady += seconds
        return self.step(seconds)

    def step(self, seconds: float) -> datetime:
        """Set the clock forwards or backwards. Return the new instant."""
        self._now += timedelta(seconds=seconds)
        return self._now

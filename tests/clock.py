"""The clock that tests hand in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands until it is moved: `advance` lets time pass, `step` sets the clock and lets none pass."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._steady = 0.0

    def now(self) -> datetime:
        """The instant it stands at."""
        return self._now

    def steady(self) -> float:
        """The seconds that passed."""
        return self._steady

    def advance(self, seconds: float) -> datetime:
        """Let time pass."""
        self._steady += seconds
        return self.step(seconds)

    def step(self, seconds: float) -> datetime:
        """Set the clock forwards or backwards."""
        self._now += timedelta(seconds=seconds)
        return self._now

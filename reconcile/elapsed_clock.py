"""Measures the timelines of accounts by this process's monotonic time, which is never set."""

from __future__ import annotations

from collections.abc import Callable

from domain.records.timeline import AccountTimeline, Advance


class ElapsedClock:
    """Remembers, for each account, at which monotonic time this process sent its last flight. `steady` returns that time."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._last: dict[str, tuple[float, float]] = {}

    def advance(self, account: str) -> Advance:
        """Return how the account's timeline advances to the next flight of this process. The first flight ends a pause."""

        def apply(timeline: AccountTimeline, clock_seconds: float) -> AccountTimeline:
            last = self._last.get(account)
            if last is None:
                return timeline.add_pause(clock_seconds)
            elapsed, steady = last
            return timeline.advance_to(elapsed + self._steady() - steady)

        return apply

    def record(self, account: str, timeline: AccountTimeline) -> None:
        """Remember the timeline of a flight that was sent. Call this only after it was written."""
        last = self._last.get(account)
        if last is None or last[0] <= timeline.elapsed:
            self._last[account] = (timeline.elapsed, self._steady())

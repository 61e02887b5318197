"""The time that really passed between two instants of the database's clock, which may have been set in between.

Evidence of absence must be some seconds apart. If the clock is set forward, two listings of one moment would look far apart.
Steady time is never set, so this module compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

# Clocks are slewed all the time. Only a larger difference is a step.
_TOLERANCE_SECONDS: Final = 1.0
_MAX_STRETCHES: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of steady time in which the clock ran without a step; `offset` is clock minus steady time, in seconds."""

    start: float
    end: float
    offset: float


@dataclass(slots=True)
class ElapsedClock:
    """Samples both clocks, and measures the time between two instants by the clock that is never set."""

    _stretches: list[_Stretch] = field(default_factory=list)

    def sample(self, now: datetime, steady: float) -> None:
        """Record what both clocks show at one moment. Call this whenever an instant is recorded or judged."""
        offset = (now - _EPOCH).total_seconds() - steady
        if self._stretches and abs(self._stretches[-1].offset - offset) <= _TOLERANCE_SECONDS:
            self._stretches[-1] = replace(self._stretches[-1], end=steady)
            return
        self._stretches.append(_Stretch(steady, steady, offset))
        del self._stretches[:-_MAX_STRETCHES]

    def elapsed(self, since: datetime, until: datetime) -> float:
        """Return the seconds between two instants. Of an instant that occurred twice, the later occurrence counts."""
        return self._steady_time(until) - self._steady_time(since)

    def _steady_time(self, instant: datetime) -> float:
        shown = (instant - _EPOCH).total_seconds()
        later: _Stretch | None = None
        for stretch in reversed(self._stretches):
            # Within a stretch the clock may have shown slightly less than its offset says.
            if shown >= stretch.start + stretch.offset - _TOLERANCE_SECONDS:
                # An instant that the clock skipped counts as the start of the later stretch.
                if later is not None and shown > stretch.end + stretch.offset + _TOLERANCE_SECONDS:
                    return later.start
                return min(max(shown - stretch.offset, stretch.start), stretch.end)
            later = stretch
        # How long ago an instant before the first sample was is unknown: it counts as the first sample.
        return self._stretches[0].start if self._stretches else shown

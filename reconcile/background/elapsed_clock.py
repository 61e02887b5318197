"""How much time has really passed between two instants of the record's clock, which may have been set meanwhile.

Evidence of absence must be so many seconds apart. A clock that is set forward would make two listings of one moment look far
apart; steady time is never set, so the two are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

# Clocks are slewed all the time; only a step is a step.
_TOLERANCE_SECONDS: Final = 1.0
_MOST_STRETCHES: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of steady time in which the clock ran without a step; `offset` is clock minus steady time, in seconds."""

    start: float
    end: float
    offset: float


@dataclass(slots=True)
class ElapsedClock:
    """Samples both clocks; tells time passed by the one that is never set."""

    _stretches: list[_Stretch] = field(default_factory=list)

    def sample(self, now: datetime, steady: float) -> None:
        """Note what both clocks show at one moment. To be called whenever an instant is recorded or judged."""
        offset = (now - _EPOCH).total_seconds() - steady
        if self._stretches and abs(self._stretches[-1].offset - offset) <= _TOLERANCE_SECONDS:
            self._stretches[-1] = replace(self._stretches[-1], end=steady)
            return
        self._stretches.append(_Stretch(steady, steady, offset))
        del self._stretches[:-_MOST_STRETCHES]

    def elapsed(self, since: datetime, until: datetime) -> float:
        """The seconds between two instants; where an instant occurred twice, its later occurrence counts."""
        return self._moment(until) - self._moment(since)

    def _moment(self, instant: datetime) -> float:
        shown = (instant - _EPOCH).total_seconds()
        later: _Stretch | None = None
        for stretch in reversed(self._stretches):
            # Within a stretch the clock may have shown a little less than its offset says.
            if shown >= stretch.start + stretch.offset - _TOLERANCE_SECONDS:
                # Between two stretches the clock showed nothing: what it never showed counts as the later one's beginning.
                if later is not None and shown > stretch.end + stretch.offset + _TOLERANCE_SECONDS:
                    return later.start
                return min(max(shown - stretch.offset, stretch.start), stretch.end)
            later = stretch
        # Before this process looked at a clock nobody knows how long ago that was: it counts as the first look.
        return self._stretches[0].start if self._stretches else shown


def by_the_clock(since: datetime, until: datetime) -> float:
    """The seconds between two instants of a clock that is never set."""
    return (until - since).total_seconds()

"""The time that has passed for an account, as far as evidence may rely on it.

Evidence of absence must be some time apart. Within a process the monotonic time measures that, and setting the clock does not
affect it. Between the last flight of one process and the first flight of the next, only the clock can measure it, and it may
have been set in between. Such a pause is part of the timeline, but of all pauses in a span the longest does not count: if the
clock was set once, however far, either that pause is left out, or one that was truly longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

_MAX_PAUSES: Final = 50


class Pause(NamedTuple):
    """A pause between two processes: where it starts on the timeline, and its length, both in seconds."""

    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class AccountTimeline:
    """The seconds of an account's timeline so far, and its pauses.

    `pauses` are only those that are longer than every later pause, because only they can be the longest of a span. They are
    ordered by start.
    """

    elapsed: float = 0.0
    pauses: tuple[Pause, ...] = ()

    def since(self, start: float) -> float:
        """Return the seconds that have certainly passed since this point of the timeline."""
        longest = next((pause.seconds for pause in self.pauses if pause.start >= start), 0.0)
        return self.elapsed - start - longest

    def advance_to(self, elapsed: float) -> AccountTimeline:
        """Return the timeline at a later point. It never moves back."""
        return replace(self, elapsed=max(elapsed, self.elapsed))

    def add_pause(self, seconds: float) -> AccountTimeline:
        """Return the timeline after a pause of these seconds by the clock. A clock that was set back adds none."""
        if seconds <= 0:
            return self
        longer = [pause for pause in self.pauses if pause.seconds > seconds]
        if len(longer) >= _MAX_PAUSES:
            # The oldest pause takes the place of the second: spans that begin in between only get shorter.
            longer[:2] = [Pause(longer[1].start, longer[0].seconds)]
        return AccountTimeline(self.elapsed + seconds, (*longer, Pause(self.elapsed, seconds)))


Advance: TypeAlias = Callable[[AccountTimeline, float], AccountTimeline]
"""Returns an account's timeline at a new flight, from that at its last flight and the seconds in between by the clock."""

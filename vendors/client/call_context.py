"""What a flight carries along on its way through a vendor's calls, without every function passing it on."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Tally:
    """How many HTTP calls a flight has cost so far, failed and repeated ones included.

    `ends_at` is when the flight is cut off, by the event loop's time; None where it is not.
    """

    calls: int = 0
    ends_at: float | None = None


@dataclass(slots=True)
class Urgency:
    """Whether somebody waits. A flight in the background leaves half of the budget to those that readers wait for.

    It may change under way: who joins a flight makes it urgent.
    """

    background: bool = False


URGENCY: Final[ContextVar[Urgency]] = ContextVar("urgency", default=Urgency())  # noqa: B039 - nobody changes this one

_TALLY: Final[ContextVar[Tally | None]] = ContextVar("tally", default=None)


def new_tally(ends_at: float | None = None) -> Tally:
    """A tally that this flight's calls are counted in, also those of a flight that is cut off."""
    tally = Tally(ends_at=ends_at)
    _TALLY.set(tally)
    return tally


def tally_of_flight() -> Tally:
    """The flight's own tally; a new one where nobody set one."""
    return _TALLY.get() or Tally()

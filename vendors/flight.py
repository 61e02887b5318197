"""What a flight carries along on its way through a vendor's calls, without every function passing it on."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Tally:
    """How many HTTP calls a flight has cost so far, failed and repeated ones included."""

    calls: int = 0


IN_BACKGROUND: Final[ContextVar[bool]] = ContextVar("in_background", default=False)
"""Set in flights that no reader waits for: they leave half of the budget to those that do."""

_TALLY: Final[ContextVar[Tally | None]] = ContextVar("tally", default=None)


def new_tally() -> Tally:
    """A tally that this flight's calls are counted in, also those of a flight that is cut off."""
    tally = Tally()
    _TALLY.set(tally)
    return tally


def tally_of_flight() -> Tally:
    """The flight's own tally; a new one where nobody set one."""
    return _TALLY.get() or Tally()

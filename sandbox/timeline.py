"""The past, present and planned states of a machine or volume.

A state change that is due takes effect when the timeline is read, and the past stays readable.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """Values with the instants from which they hold. `None` means that the object does not exist."""

    def __init__(self, *steps: tuple[datetime, T | None]) -> None:
        """Create a timeline from steps in chronological order."""
        self._steps: list[tuple[datetime, T | None]] = list(steps)

    def at(self, instant: datetime) -> T | None:
        """Return the value at the instant, or `None` before the first step."""
        for since, value in reversed(self._steps):
            if since <= instant:
                return value
        return None

    def plan(self, now: datetime, *steps: tuple[datetime, T | None]) -> None:
        """Replace the steps after `now`. None of the new steps may be earlier than `now`."""
        self._steps = [step for step in self._steps if step[0] <= now]
        self._steps.extend(steps)

    def amend(self, now: datetime, change: Callable[[T], T]) -> None:
        """Apply a change to the present value and to every planned one."""
        present = self.at(now)
        if present is None:
            return
        planned = [(since, value if value is None else change(value)) for since, value in self._steps if since > now]
        self.plan(now, (now, change(present)), *planned)

    def forget(self, before: datetime) -> None:
        """Drop the values that ended before the instant. The value at that instant stays."""
        while len(self._steps) > 1 and self._steps[1][0] <= before:
            del self._steps[0]

    @property
    def is_over(self) -> bool:
        """Whether no value is left, so that the object never exists again."""
        return all(value is None for _, value in self._steps)

"""The past, present and planned states of a machine or volume.

A state change that is due takes effect when the timeline is read, and the past stays readable.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from sandbox.errors import ApiError

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


class Timelines(Generic[T]):
    """The timelines of a tenant's machines or volumes, by id. `noun` is what errors call one of them."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._timelines: dict[str, Timeline[T]] = {}

    def at(self, instant: datetime) -> tuple[T, ...]:
        """Return the values that existed at the instant, ordered by id."""
        values = (self._timelines[key].at(instant) for key in sorted(self._timelines))
        return tuple(value for value in values if value is not None)

    def plan(self, key: str, now: datetime, *steps: tuple[datetime, T | None]) -> None:
        """Plan the values of a new or existing object from now on."""
        self._timelines.setdefault(key, Timeline()).plan(now, *steps)

    def current(self, key: str, now: datetime) -> T:
        """Return the value of an object at the instant. Raises ApiError unless the object exists then."""
        timeline = self._timelines.get(key)
        value = None if timeline is None else timeline.at(now)
        if value is None:
            raise ApiError(404, f"no_such_{self._noun}", f"There is no {self._noun} {key}.")
        return value

    def existing(self, key: str, now: datetime) -> Timeline[T]:
        """Return the timeline of an object. Raises ApiError unless the object exists at the instant."""
        self.current(key, now)
        return self._timelines[key]

    def forget(self, before: datetime) -> None:
        """Drop the values that ended before the instant, and the objects that no longer existed then."""
        for timeline in self._timelines.values():
            timeline.forget(before)
        self._timelines = {key: timeline for key, timeline in self._timelines.items() if not timeline.is_over}

"""What a thing was, is and by its present plan will be: so that time passes by looking, and the past can be shown again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """Values by the instant from which they hold. None says that the thing is not (or no longer) there."""

    def __init__(self, *steps: tuple[datetime, T | None]) -> None:
        """`steps` are in the order of time."""
        self._steps: list[tuple[datetime, T | None]] = list(steps)

    def at(self, instant: datetime) -> T | None:
        """The value that holds at the instant; None before the first step."""
        for since, value in reversed(self._steps):
            if since <= instant:
                return value
        return None

    def plan(self, now: datetime, *steps: tuple[datetime, T | None]) -> None:
        """Replace everything that was planned after `now` by `steps`, none of which is earlier than `now`."""
        self._steps = [step for step in self._steps if step[0] <= now]
        self._steps.extend(steps)

    def amend(self, now: datetime, change: Callable[[T], T]) -> None:
        """Change the value from now on, whatever it is planned to become."""
        present = self.at(now)
        if present is None:
            return
        planned = [(since, value if value is None else change(value)) for since, value in self._steps if since > now]
        self.plan(now, (now, change(present)), *planned)

    def forget(self, before: datetime) -> None:
        """Drop what ended before the instant; the value that held then stays."""
        while len(self._steps) > 1 and self._steps[1][0] <= before:
            del self._steps[0]

    @property
    def over(self) -> bool:
        """Whether nothing is left of it but its end."""
        return all(value is None for _, value in self._steps)

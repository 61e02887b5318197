"""Instants: aware UTC datetimes in code; in the database and in responses, fixed-width UTC text with six digits and `Z`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time. Every component receives its clock as an argument, so that tests can control it."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...

    def steady(self) -> float:
        """Return monotonic seconds, which are not affected when the clock is set. Their zero has no meaning."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Return the machine's monotonic time in seconds."""
        return time.monotonic()


def to_text(instant: datetime) -> str:
    """Format an instant as `2026-01-31T12:00:00.000000Z`. The order of such texts is the order of time."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """Parse a text that `to_text` wrote. Raises ValueError if it is not an ISO 8601 timestamp."""
    return datetime.fromisoformat(text).astimezone(UTC)


def optional_text(instant: datetime | None) -> str | None:
    """Format an instant like `to_text`; return `None` for `None`."""
    return None if instant is None else to_text(instant)


def optional_instant(text: str | None) -> datetime | None:
    """Parse a text like `from_text`; return `None` for `None`."""
    return None if text is None else from_text(text)

"""Instants: aware UTC datetimes in code, fixed-width UTC text with six digits and `Z` in the record and in answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Handed in everywhere, so that tests move it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def steady(self) -> float:
        """Seconds that only ever rise as time passes, whatever is done to the clock; their zero means nothing."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """The machine's monotonic time."""
        return time.monotonic()


def to_text(instant: datetime) -> str:
    """`2026-01-31T12:00:00.000000Z`: sorts as text in the order of time."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """The instant of a canonical text. Raises ValueError on any other text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def optional_text(instant: datetime | None) -> str | None:
    """As `to_text`, null kept."""
    return None if instant is None else to_text(instant)


def optional_instant(text: str | None) -> datetime | None:
    """As `from_text`, null kept."""
    return None if text is None else from_text(text)

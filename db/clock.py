"""The record's clock. Several gateways on one PostgreSQL must agree on the time, and the database is what they share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.timestamps import Clock

_TOLERATED: Final = timedelta(milliseconds=50)


class RecordClock:
    """A machine's own clock, set by how far the database's is from it; exact to half of a call's way there and back.

    It is set anew only where it is off by more than 50 ms: a clock that follows each measurement would run backwards
    between the arrival of a reader and the flight that is sent for him.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The database's present instant, aware, in UTC."""
        return self._own.now() + self._ahead

    def steady(self) -> float:
        """The machine's own."""
        return self._own.steady()

    def compared(self, told: datetime, before: float, after: float) -> None:
        """Take in what the database's clock told between two readings of `steady`."""
        meanwhile = timedelta(seconds=(after - before) / 2)
        off = told + meanwhile - self.now()
        if abs(off) > max(_TOLERATED, 2 * meanwhile):
            self._ahead += off


async def compare(connection: AsyncConnection, clock: Clock) -> None:
    """Set a record's clock by the database's; any other clock stays as it is."""
    if isinstance(clock, RecordClock):
        before = clock.steady()
        told = await connection.scalar(select(func.clock_timestamp()))
        if isinstance(told, datetime):
            clock.compared(told, before, clock.steady())

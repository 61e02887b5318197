"""The database's clock. Several gateways that share one PostgreSQL server must agree on the time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.timestamps import Clock

_TOLERANCE: Final = timedelta(milliseconds=50)


class DatabaseClock:
    """The local clock plus its measured offset from the database's clock. The error is at most half a round trip.

    The offset changes only if the clocks differ by more than 50 ms. If it followed every measurement, the time could run
    backwards between the arrival of a reader and the flight that is sent for that reader.
    """

    def __init__(self, local: Clock) -> None:
        self._local = local
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the current time of the database, aware, in UTC."""
        return self._local.now() + self._offset

    def steady(self) -> float:
        """Return the local monotonic time in seconds."""
        return self._local.steady()

    def adjust(self, database_time: datetime, before: float, after: float) -> None:
        """Adjust the offset. The database's time was read between two readings of `steady`."""
        one_way = timedelta(seconds=(after - before) / 2)
        difference = database_time + one_way - self.now()
        if abs(difference) > max(_TOLERANCE, 2 * one_way):
            self._offset += difference


async def synchronize(connection: AsyncConnection, clock: Clock) -> None:
    """Synchronize a `DatabaseClock` with the database. Other clocks are not changed."""
    if isinstance(clock, DatabaseClock):
        before = clock.steady()
        database_time = await connection.scalar(select(func.clock_timestamp()))
        if isinstance(database_time, datetime):
            clock.adjust(database_time, before, clock.steady())

"""Statements that take too long are interrupted in the database itself, so that the connection stays good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection


@asynccontextmanager
async def bounded(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    """Interrupt what runs on the connection after so many seconds. Raises TimeoutError then.

    Giving up waiting would not do: SQLite's thread would go on, and whoever gets the connection next would wait for it.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    interrupts: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        if driver is not None:
            interrupts.append(asyncio.get_running_loop().create_task(driver.interrupt()))

    timer = asyncio.get_running_loop().call_later(seconds, interrupt)
    try:
        yield
    except OperationalError as error:
        if interrupts:
            raise TimeoutError(f"a statement ran for more than {seconds:g} seconds") from error
        raise
    finally:
        timer.cancel()
        await asyncio.gather(*interrupts)

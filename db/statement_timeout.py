"""Statements that take too long are ended in the database itself, so that the connection stays good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import STATEMENT_SECONDS, is_postgresql, milliseconds

_QUERY_CANCELED: Final = "57014"


@asynccontextmanager
async def statement_timeout(connection: AsyncConnection, seconds: float, *, last: bool = False) -> AsyncIterator[None]:
    """End a statement on the connection after so many seconds. Raises TimeoutError then.

    The transaction stays good for others, unless this is the `last` of it. Giving up waiting would not do: the database
    would go on, and whoever gets the connection next would wait for it.
    """
    if is_postgresql(connection):
        async with _ended_by_server(connection, seconds, last=last):
            yield
    else:
        async with _interrupted(connection, seconds):
            yield


@asynccontextmanager
async def _ended_by_server(connection: AsyncConnection, seconds: float, *, last: bool) -> AsyncIterator[None]:
    if connection.engine.sync_engine.get_execution_options().get(STATEMENT_SECONDS) != seconds:
        await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds(seconds)}")
    try:
        if last:
            yield
            return
        # A failed statement would end the whole transaction, and with it the state that the others read.
        async with connection.begin_nested():
            yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED:
            raise TimeoutError(_too_long(seconds)) from error
        raise


@asynccontextmanager
async def _interrupted(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
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
            raise TimeoutError(_too_long(seconds)) from error
        raise
    finally:
        timer.cancel()
        await asyncio.gather(*interrupts)


def _too_long(seconds: float) -> str:
    return f"a statement ran for more than {seconds:g} seconds"

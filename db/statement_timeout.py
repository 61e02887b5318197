"""Statement timeouts. The statement is cancelled in the database, so the connection stays usable."""

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
    """Cancel a statement in this block after `seconds`. Raises TimeoutError.

    The transaction stays usable unless the block is its `last` one. It is not enough to stop waiting: the database would
    continue, and the next user of the connection would have to wait for it.
    """
    if is_postgresql(connection):
        async with _server_timeout(connection, seconds, last=last):
            yield
    else:
        async with _interrupt_after(connection, seconds):
            yield


@asynccontextmanager
async def _server_timeout(connection: AsyncConnection, seconds: float, *, last: bool) -> AsyncIterator[None]:
    if connection.engine.sync_engine.get_execution_options().get(STATEMENT_SECONDS) != seconds:
        await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds(seconds)}")
    try:
        if last:
            yield
            return
        # Without a savepoint, a failed statement aborts the transaction, and with it the snapshot of later statements.
        async with connection.begin_nested():
            yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED:
            raise TimeoutError(timeout_message(seconds)) from error
        raise


@asynccontextmanager
async def _interrupt_after(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
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
            raise TimeoutError(timeout_message(seconds)) from error
        raise
    finally:
        timer.cancel()
        await asyncio.gather(*interrupts)


def timeout_message(seconds: float) -> str:
    """Return the message of a TimeoutError."""
    return f"a statement ran for more than {seconds:g} seconds"

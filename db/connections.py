"""Connections for reads. They use the drivers directly and run one statement at a time each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any, Final, Generic, Protocol, TypeVar

import aiosqlite
import asyncpg
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import ConnectionSettings, connect_postgresql, read_transaction
from db.errors import error_cause, is_unavailable
from db.statement_timeout import statement_timeout, timeout_message
from domain.errors import DatabaseUnavailable

STATEMENT_CACHE_SIZE: Final = 512
"""The number of prepared statements that a connection caches."""
_MAX_SQLITE_CONNECTIONS: Final = 4
"""More threads than this only wait for each other."""
_SLACK_SECONDS: Final = 1.0
"""How long after the server's statement timeout the client gives up."""
_READ_SETTINGS: Final = {
    # Plan a statement once for all its values, and generate no machine code for statements of a few milliseconds. Frequently read
    # data is in memory, so an index lookup costs little more than a sequential read.
    "default_transaction_read_only": "on",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "random_page_cost": "1.1",
}


class _Connection(Protocol):
    async def close(self) -> None: ...


_C = TypeVar("_C", bound=_Connection)


class RowReader(Protocol):
    """Runs statements that read."""

    seconds: float
    """The statement timeout."""

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """Return the only row of a statement. A statement reads a single snapshot. Raises TimeoutError."""
        ...

    async def close(self) -> None:
        """Close every connection, after the running statements have ended."""
        ...


class EngineReader:
    """Reads through SQLAlchemy's pool.

    It serves databases in memory, which have a single connection, and callers that read little.
    """

    def __init__(self, engine: AsyncEngine, seconds: float) -> None:
        self.seconds = seconds
        self._engine = engine

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """Return the only row of a statement. Raises TimeoutError."""
        async with read_transaction(self._engine) as connection:
            try:
                async with statement_timeout(connection, self.seconds, last=True):
                    return (await connection.exec_driver_sql(sql, tuple(parameters))).one()
            except TimeoutError as error:
                # Raised inside the block, it would be translated to a connection timeout.
                timeout = error
        raise timeout

    async def close(self) -> None:
        """Do nothing: the connections belong to the engine."""


class ConnectionPool(Generic[_C]):
    """A pool of at most `size` connections, which are opened when they are needed.

    Callers that find every connection in use wait in order. A connection that was closed while in use is replaced.
    """

    def __init__(
        self,
        size: int,
        wait_seconds: float,
        connect: Callable[[], Awaitable[_C]],
        is_closed: Callable[[_C], bool] = lambda _: False,
    ) -> None:
        self._size = size
        self._wait_seconds = wait_seconds
        self._connect = connect
        self._is_closed = is_closed
        # An idle connection, or None where one may be opened. Last in, first out prefers the connection that was used last.
        self._slots: asyncio.LifoQueue[_C | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._slots.put_nowait(None)

    async def acquire(self) -> _C:
        """Return a connection, which the caller must release. Raises DatabaseUnavailable if none becomes free in time."""
        try:
            connection = self._slots.get_nowait()
        except asyncio.QueueEmpty:
            connection = await self._wait()
        if connection is not None and not self._is_closed(connection):
            return connection
        try:
            return await self._connect()
        except BaseException:
            self._slots.put_nowait(None)
            raise

    async def _wait(self) -> _C | None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await self._slots.get()
        except TimeoutError:
            raise DatabaseUnavailable("no connection became free in time") from None

    def release(self, connection: _C) -> None:
        """Return a connection to the pool. A closed connection makes room for a new one."""
        self._slots.put_nowait(None if self._is_closed(connection) else connection)

    def drain(self) -> list[_C]:
        """Remove and return the idle connections."""
        slots = [self._slots.get_nowait() for _ in range(self._slots.qsize())]
        return self._clear(slots)

    async def close(self) -> None:
        """Wait until no connection is in use, then close all of them. Statement timeouts limit the wait."""
        slots = [await self._slots.get() for _ in range(self._size)]
        for connection in self._clear(slots):
            await connection.close()

    def _clear(self, slots: Sequence[_C | None]) -> list[_C]:
        """Put empty slots in the place of `slots`, and return the connections in them."""
        for _ in slots:
            self._slots.put_nowait(None)
        return [connection for connection in slots if connection is not None]


class SqliteReader:
    """Reads an SQLite file through aiosqlite. Each connection has a thread, and a read is one call to it."""

    def __init__(self, file: Path, settings: ConnectionSettings) -> None:
        self.seconds = settings.statement_seconds
        self._file = file
        size = min(settings.pool_size, _MAX_SQLITE_CONNECTIONS)
        self._pool = ConnectionPool(size, settings.pool_wait_seconds, self._connect)

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self._file, isolation_level=None, cached_statements=STATEMENT_CACHE_SIZE)
        try:
            for pragma in ("busy_timeout = 15000", "query_only = ON"):
                await connection.execute_fetchall(f"PRAGMA {pragma}")
        except BaseException:
            # The caller was cancelled, so nobody else would close the connection.
            await asyncio.shield(connection.close())
            raise
        return connection

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """Return the only row of a statement. Raises TimeoutError, DatabaseUnavailable."""
        connection = await self._pool.acquire()
        try:
            return await self._fetch(connection, sql, parameters)
        finally:
            self._pool.release(connection)

    async def _fetch(self, connection: aiosqlite.Connection, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        interrupts: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        # It is not enough to stop waiting: the thread would continue, and the next user of the connection would wait for it.
        timer = loop.call_later(self.seconds, lambda: interrupts.append(loop.create_task(connection.interrupt())))
        try:
            (row,) = await connection.execute_fetchall(sql, parameters)
        except OperationalError as error:
            if interrupts:
                raise TimeoutError(timeout_message(self.seconds)) from error
            raise
        finally:
            timer.cancel()
            if interrupts:
                await asyncio.gather(*interrupts)
        return row

    async def close(self) -> None:
        """Close every connection, after the running statements have ended."""
        await self._pool.close()


class PostgresqlReader:
    """Reads PostgreSQL through asyncpg. The driver's own pool is not used, because it resets every released connection.

    The server cancels a statement that runs too long. If it does not do even that, the connection counts as lost.
    """

    def __init__(self, url: URL, settings: ConnectionSettings) -> None:
        self.seconds = settings.statement_seconds
        self._url = url
        self._settings = settings
        self._pool: ConnectionPool[asyncpg.Connection[Any]] = ConnectionPool(
            settings.pool_size, settings.pool_wait_seconds, self._connect, lambda connection: connection.is_closed()
        )

    async def _connect(self) -> asyncpg.Connection[Any]:
        return await connect_postgresql(self._url, self._settings, _READ_SETTINGS)

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """Return the only row of a statement. Raises TimeoutError, DatabaseUnavailable.

        If the connection was lost, the statement is retried once on a new one.
        """
        try:
            try:
                return await self._fetch(sql, parameters)
            except _DRIVER_ERRORS as error:
                if not _is_lost(error):
                    raise
                # The idle connections were lost too, even if the driver has not noticed yet.
                for connection in self._pool.drain():
                    connection.terminate()
                return await self._fetch(sql, parameters)
        except asyncpg.QueryCanceledError:
            raise TimeoutError(timeout_message(self.seconds)) from None
        except _DRIVER_ERRORS as error:
            if _is_lost(error):
                raise DatabaseUnavailable(error_cause(error)) from None
            raise

    async def _fetch(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        connection = await self._pool.acquire()
        try:
            timeout = self.seconds + _SLACK_SECONDS
            row: Sequence[Any] | None = await connection.fetchrow(sql, *parameters, timeout=timeout)
        except _DRIVER_ERRORS as error:
            if _is_lost(error):
                connection.terminate()
            raise
        finally:
            self._pool.release(connection)
        if row is None:
            raise LookupError("the statement returned no row")
        return row

    async def close(self) -> None:
        """Close every connection, after the running statements have ended."""
        await self._pool.close()


_DRIVER_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def _is_lost(error: Exception) -> bool:
    return isinstance(error, asyncpg.InternalClientError | OSError) or is_unavailable(error)

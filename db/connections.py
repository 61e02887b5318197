"""Connections that read: the driver's own, kept in a plain list, one statement at a time on each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any, Final, Generic, Protocol, TypeVar

import aiosqlite
import asyncpg
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import ConnectionSettings, connect_postgresql, read_transaction
from db.errors import error_cause, is_unavailable
from db.statement_timeout import statement_timeout
from domain.errors import DatabaseUnavailable

STATEMENTS_KEPT: Final = 512
"""How many prepared statements a connection keeps."""
_READERS: Final = 4
_SLACK_SECONDS: Final = 1.0
"""How much later than the server a statement is given up here."""
_SHORT_READS: Final = {
    # A statement is planned once, whatever its values; no machine code is made for what takes a few milliseconds; and what is
    # read again and again is in memory, so that an index costs little more than a scan.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "random_page_cost": "1.1",
}
_C = TypeVar("_C")


class RowReader(Protocol):
    """Runs statements that read."""

    seconds: float
    """How long a statement may take."""

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """The one row of a statement, which reads one state of the record. Raises TimeoutError."""
        ...

    async def close(self) -> None:
        """Close every connection. What runs is ended first."""
        ...


class EngineReader:
    """Reads through SQLAlchemy's pool: for a record in memory, whose only connection that is, and where little is read."""

    def __init__(self, engine: AsyncEngine, seconds: float) -> None:
        self.seconds = seconds
        self._engine = engine

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """The one row of a statement. Raises TimeoutError."""
        async with read_transaction(self._engine) as connection:
            try:
                async with statement_timeout(connection, self.seconds, last=True):
                    return (await connection.exec_driver_sql(sql, tuple(parameters))).one()
            except TimeoutError as error:
                # Out here a time that passed would mean that the database was not reached.
                late = error
        raise late

    async def close(self) -> None:
        """Nothing is kept: the pool belongs to the engine."""


class ConnectionPool(Generic[_C]):
    """Connections, made when they are first needed. Whoever comes when all are in use waits in turn.

    Once it is closing, what is given back is closed by `close`, which waits for it.
    """

    def __init__(self, connecting: ConnectionSettings, make: Callable[[], Awaitable[_C]]) -> None:
        most = connecting.pool_size
        self._wait_seconds = connecting.pool_wait_seconds
        self._make = make
        self._free: list[_C] = []
        self._most = self._unmade = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> _C:
        """A connection, which must be given back or dropped. Raises RecordUnavailable where none became free in time."""
        while True:
            if self._free:
                return self._free.pop()
            if self._unmade:
                return await self._made()
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await self._turn()
            except TimeoutError:
                raise DatabaseUnavailable("no connection became free in time") from None

    async def _made(self) -> _C:
        self._unmade -= 1
        try:
            return await self._make()
        except BaseException:
            self.drop()
            raise

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                # It was this one's turn: let it be the next one's.
                self._wake()
            raise

    def give(self, connection: _C) -> None:
        """Give a good connection back."""
        self._free.append(connection)
        self._wake()

    def drop(self) -> None:
        """Tell that a connection is lost: another may be made in its place."""
        self._unmade += 1
        self._wake()

    def drain(self) -> list[_C]:
        """Take all that are free."""
        free, self._free = self._free, []
        self._unmade += len(free)
        return free

    async def close(self, close: Callable[[_C], Awaitable[None]]) -> None:
        """Close every connection, those in use as they are given back: a statement ends by itself in time."""
        while True:
            for connection in self.drain():
                await close(connection)
            if self._unmade == self._most:
                return
            await self._turn()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return


class SqliteReader:
    """Reads one SQLite file through aiosqlite: each connection has a thread, and a read is one visit to it."""

    def __init__(self, file: Path, connecting: ConnectionSettings) -> None:
        self.seconds = connecting.statement_seconds
        self._file = file
        # More threads than that only wait for each other.
        few = replace(connecting, pool_size=min(connecting.pool_size, _READERS))
        self._kept: ConnectionPool[aiosqlite.Connection] = ConnectionPool(few, self._connect)

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self._file, isolation_level=None, cached_statements=STATEMENTS_KEPT)
        try:
            for pragma in ("busy_timeout = 15000", "query_only = ON"):
                await connection.execute_fetchall(f"PRAGMA {pragma}")
        except BaseException:
            # Whoever it was made for has hung up: nobody would close it.
            await asyncio.shield(connection.close())
            raise
        return connection

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """The one row of a statement. Raises TimeoutError."""
        connection = await self._kept.take()
        try:
            return await self._row(connection, sql, parameters)
        finally:
            self._kept.give(connection)

    async def _row(self, connection: aiosqlite.Connection, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        interrupts: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        # Giving up waiting would not do: the thread would go on, and whoever gets the connection next would wait for it.
        timer = loop.call_later(self.seconds, lambda: interrupts.append(loop.create_task(connection.interrupt())))
        try:
            (row,) = await connection.execute_fetchall(sql, parameters)
        except OperationalError as error:
            if interrupts:
                raise TimeoutError(f"a statement ran for more than {self.seconds:g} seconds") from error
            raise
        finally:
            timer.cancel()
            if interrupts:
                await asyncio.gather(*interrupts)
        return row

    async def close(self) -> None:
        """Close every connection."""
        await self._kept.close(aiosqlite.Connection.close)


class PostgresqlReader:
    """Reads PostgreSQL through asyncpg. Not by its pool, which resets a connection each time that one is given back.

    The server ends a statement that runs too long. Where it does not even do that, the connection is as good as lost.
    """

    def __init__(self, url: URL, connecting: ConnectionSettings) -> None:
        self.seconds = connecting.statement_seconds
        self._given_up = self.seconds + _SLACK_SECONDS
        self._url = url
        self._connecting = connecting
        self._kept: ConnectionPool[asyncpg.Connection[Any]] = ConnectionPool(connecting, self._connect)

    async def _connect(self) -> asyncpg.Connection[Any]:
        settings = {"default_transaction_read_only": "on", **_SHORT_READS}
        return await connect_postgresql(self._url, self._connecting, settings)

    async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """The one row of a statement. A connection that was lost is made anew, once. Raises TimeoutError, RecordUnavailable."""
        try:
            try:
                return await self._row(sql, parameters)
            except _FAILURES as error:
                if not _is_lost(error):
                    raise
                # Those that are free were lost with it, though not each has noticed.
                for connection in self._kept.drain():
                    connection.terminate()
                return await self._row(sql, parameters)
        except asyncpg.QueryCanceledError:
            raise TimeoutError(f"a statement ran for more than {self.seconds:g} seconds") from None
        except _FAILURES as error:
            if _is_lost(error):
                raise DatabaseUnavailable(error_cause(error)) from None
            raise

    async def _row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        connection = await self._kept.take()
        while connection.is_closed():
            self._kept.drop()
            connection = await self._kept.take()
        try:
            row: Sequence[Any] | None = await connection.fetchrow(sql, *parameters, timeout=self._given_up)
        except _FAILURES as error:
            if _is_lost(error):
                connection.terminate()
            raise
        finally:
            if connection.is_closed():
                self._kept.drop()
            else:
                self._kept.give(connection)
        if row is None:
            raise LookupError("a statement of ours answered no row")
        return row

    async def close(self) -> None:
        """Close every connection."""
        await self._kept.close(lambda connection: connection.close())


_FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def _is_lost(error: Exception) -> bool:
    return isinstance(error, asyncpg.InternalClientError | OSError) or is_unavailable(error)

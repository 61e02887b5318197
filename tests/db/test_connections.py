"""Read connections: their number is limited, waits are limited, and lost connections are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import URL

from db.connections import ConnectionPool, RowReader
from db.database import Database
from db.engine import ConnectionSettings
from domain.errors import DatabaseUnavailable
from tests.databases import DatabaseBackend

_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@asynccontextmanager
async def _readers(url: str, **settings: Any) -> AsyncIterator[RowReader]:
    database = Database.open(url, ConnectionSettings(**settings))
    readers = database.readers()
    try:
        yield readers
    finally:
        await readers.close()
        await database.close()


async def test_many_readers_share_few_connections(url: str) -> None:
    """Fifty concurrent readers each get their own row through two connections."""
    async with _readers(url, pool_size=2) as readers:
        rows = await asyncio.gather(*(readers.row(f"SELECT {number}, 'x'", ()) for number in range(50)))
    assert [(number, "x") for number in range(50)] == [tuple(row) for row in rows]


async def test_a_slow_statement_is_cancelled(url: str) -> None:
    """The statement is cancelled in the database, and its connection serves the next reader."""
    async with _readers(url, pool_size=1, statement_seconds=0.3) as readers:
        with pytest.raises(TimeoutError):
            await readers.row(_ENDLESS, ())
        assert (1,) == tuple(await readers.row("SELECT 1", ()))


async def test_the_wait_for_a_connection_is_limited(url: str) -> None:
    """If no connection becomes free in time, the database counts as unavailable."""
    async with _readers(url, pool_size=1, pool_wait_seconds=0.05, statement_seconds=1) as readers:
        slow = asyncio.create_task(readers.row(_ENDLESS, ()))
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable):
            await readers.row("SELECT 1", ())
        with pytest.raises(TimeoutError):
            await slow


async def test_a_cancelled_reader_releases_its_connection(url: str) -> None:
    """The next reader gets the connection."""
    async with _readers(url, pool_size=1, statement_seconds=1) as readers:
        slow = asyncio.create_task(readers.row(_ENDLESS, ()))
        await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        await asyncio.wait_for(_read_until_success(readers), 10)


async def _read_until_success(readers: RowReader) -> None:
    while True:
        try:
            await readers.row("SELECT 1", ())
        except TimeoutError:
            continue
        return


@pytest.mark.parametrize("backend", [DatabaseBackend.POSTGRESQL])
async def test_connections_that_the_server_closed_are_replaced(url: str) -> None:
    """Readers get no error."""
    async with _readers(url, pool_size=3) as readers:
        rows = [readers.row("SELECT pg_backend_pid()", ()) for _ in range(3)]
        first = {row[0] for row in await asyncio.gather(*rows)}
        async with _readers(url, pool_size=1) as other:
            for pid in first:
                await other.row(f"SELECT pg_terminate_backend({pid})", ())
        later = {(await readers.row("SELECT pg_backend_pid()", ()))[0] for _ in range(5)}
    assert first.isdisjoint(later)


@pytest.mark.parametrize("backend", [DatabaseBackend.POSTGRESQL])
async def test_a_silent_connection_is_abandoned(url: str) -> None:
    """If the server stops responding, as after a network failure, the read is retried on another connection."""
    async with _readers(url, pool_size=2, statement_seconds=0.2) as readers:
        (silent,) = await readers.row("SELECT pg_backend_pid()", ())
        os.kill(silent, signal.SIGSTOP)
        try:
            pids = [(await readers.row("SELECT pg_backend_pid()", ()))[0] for _ in range(3)]
        finally:
            os.kill(silent, signal.SIGCONT)
    assert silent not in pids


async def test_an_unreachable_server() -> None:
    """The error is DatabaseUnavailable and does not contain the password."""
    url = URL.create("postgresql+asyncpg", "keeper", "s3cret", "127.0.0.1", 1, "record")
    async with _readers(url.render_as_string(hide_password=False)) as readers:
        with pytest.raises(DatabaseUnavailable) as raised:
            await readers.row("SELECT 1", ())
    assert "s3cret" not in str(raised.value)
    assert "s3cret" not in raised.value.cause


class _FakeConnection:
    def __init__(self) -> None:
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class TestThePool:
    """The pool without a database."""

    def pool(self, size: int, wait_seconds: float = 5) -> ConnectionPool[_FakeConnection]:
        """Return a pool that counts the connections it opens in `opened`."""
        self.opened: list[_FakeConnection] = []

        async def connect() -> _FakeConnection:
            self.opened.append(_FakeConnection())
            return self.opened[-1]

        return ConnectionPool(size, wait_seconds, connect, lambda connection: connection.is_closed)

    async def test_an_idle_connection_is_reused(self) -> None:
        """A pool opens no more connections than are in use at once."""
        pool = self.pool(3)
        for _ in range(5):
            pool.release(await pool.acquire())
        assert 1 == len(self.opened)

    async def test_waiting_callers_are_served_in_order(self) -> None:
        """Each of them gets the connection as soon as the previous one releases it."""
        pool, served = self.pool(1), list[int]()
        connection = await pool.acquire()

        async def use(number: int) -> None:
            borrowed = await pool.acquire()
            served.append(number)
            pool.release(borrowed)

        tasks = [asyncio.create_task(use(number)) for number in range(4)]
        await asyncio.sleep(0)
        pool.release(connection)
        await asyncio.gather(*tasks)
        assert [0, 1, 2, 3] == served

    async def test_a_closed_connection_is_replaced(self) -> None:
        """Whether it was closed while in use or while idle."""
        pool = self.pool(1)
        first = await pool.acquire()
        await first.close()
        pool.release(first)
        second = await pool.acquire()
        pool.release(second)
        await second.close()
        third = await pool.acquire()
        assert [first, second, third] == self.opened

    async def test_a_failed_connect_leaves_room_for_another(self) -> None:
        """The pool does not shrink."""
        failures = [OSError("refused"), OSError("refused")]

        async def connect() -> _FakeConnection:
            if failures:
                raise failures.pop()
            return _FakeConnection()

        pool = ConnectionPool(1, 0.1, connect)
        for _ in range(2):
            with pytest.raises(OSError, match="refused"):
                await pool.acquire()
        assert not (await pool.acquire()).is_closed

    async def test_closing_waits_for_connections_in_use(self) -> None:
        """A connection is closed only after it was released."""
        pool = self.pool(2)
        pool.release(await pool.acquire())
        connection = await pool.acquire()
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0)
        assert not connection.is_closed
        pool.release(connection)
        await closing
        assert all(opened.is_closed for opened in self.opened)

"""Connections that read: as many as are allowed, bounded in time, whole again after the server ended them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import URL

from db.connections import RowReader
from db.database import Database
from db.engine import ConnectionSettings
from domain.errors import DatabaseUnavailable
from tests.databases import DatabaseBackend

_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@asynccontextmanager
async def _readers(url: str, **connecting: Any) -> AsyncIterator[RowReader]:
    database = Database.open(url, ConnectionSettings(**connecting))
    readers = database.readers()
    try:
        yield readers
    finally:
        await readers.close()
        await database.close()


async def test_many_share_few(url: str) -> None:
    """Each reader gets its own row, though only two connections are there."""
    async with _readers(url, pool_size=2) as readers:
        rows = await asyncio.gather(*(readers.row(f"SELECT {number}, 'x'", ()) for number in range(50)))
    assert [(number, "x") for number in range(50)] == [tuple(row) for row in rows]


async def test_a_statement_that_takes_too_long(url: str) -> None:
    """It is ended in the database, and its connection serves the next reader."""
    async with _readers(url, pool_size=1, statement_seconds=0.3) as readers:
        with pytest.raises(TimeoutError):
            await readers.row(_ENDLESS, ())
        assert (1,) == tuple(await readers.row("SELECT 1", ()))


async def test_nobody_waits_for_ever(url: str) -> None:
    """Where no connection becomes free in time, the record counts as away."""
    async with _readers(url, pool_size=1, pool_wait_seconds=0.05, statement_seconds=1) as readers:
        slow = asyncio.create_task(readers.row(_ENDLESS, ()))
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable):
            await readers.row("SELECT 1", ())
        with pytest.raises(TimeoutError):
            await slow


async def test_a_reader_that_hangs_up_keeps_no_connection(url: str) -> None:
    """The next one gets it."""
    async with _readers(url, pool_size=1, statement_seconds=1) as readers:
        slow = asyncio.create_task(readers.row(_ENDLESS, ()))
        await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        await asyncio.wait_for(_until_answered(readers), 10)


async def _until_answered(readers: RowReader) -> None:
    while True:
        try:
            await readers.row("SELECT 1", ())
        except TimeoutError:
            continue
        return


@pytest.mark.parametrize("kept", [DatabaseBackend.POSTGRESQL])
async def test_connections_that_the_server_ended_are_made_anew(url: str) -> None:
    """Readers notice nothing of it."""
    async with _readers(url, pool_size=3) as readers:
        rows = [readers.row("SELECT pg_backend_pid()", ()) for _ in range(3)]
        first = {row[0] for row in await asyncio.gather(*rows)}
        async with _readers(url, pool_size=1) as other:
            for pid in first:
                await other.row(f"SELECT pg_terminate_backend({pid})", ())
        again = {(await readers.row("SELECT pg_backend_pid()", ()))[0] for _ in range(5)}
    assert first.isdisjoint(again)


@pytest.mark.parametrize("kept", [DatabaseBackend.POSTGRESQL])
async def test_a_connection_that_no_longer_answers_is_given_up(url: str) -> None:
    """As where the way to the server is lost without a word: another one is asked, and the silent one is not used again."""
    async with _readers(url, pool_size=2, statement_seconds=0.2) as readers:
        (silent,) = await readers.row("SELECT pg_backend_pid()", ())
        os.kill(silent, signal.SIGSTOP)
        try:
            answered = [(await readers.row("SELECT pg_backend_pid()", ()))[0] for _ in range(3)]
        finally:
            os.kill(silent, signal.SIGCONT)
    assert silent not in answered


async def test_a_server_that_is_away() -> None:
    """It is told as one error of ours, without the password."""
    url = URL.create("postgresql+asyncpg", "keeper", "s3cret", "127.0.0.1", 1, "record")
    async with _readers(url.render_as_string(hide_password=False)) as readers:
        with pytest.raises(DatabaseUnavailable) as caught:
            await readers.row("SELECT 1", ())
    assert "s3cret" not in str(caught.value)

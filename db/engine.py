"""Engines: how connections are made and how transactions begin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import ConfigurationError

BUSY_SECONDS: Final = 15
_IMMEDIATE: Final = "supplygraph_immediate"


def make_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///FILE`. Raises ConfigurationError, which never repeats the URL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("database.url is no database URL; write sqlite+aiosqlite:///FILE") from None
    if parsed.drivername != "sqlite+aiosqlite":
        raise ConfigurationError(
            f"database.url names the driver '{parsed.drivername}'; this version keeps its record in sqlite+aiosqlite:///FILE"
        )
    engine = (
        create_async_engine(parsed, pool_size=8, max_overflow=8) if parsed.database else create_async_engine(parsed)
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    # The driver's own way to begin would leave DDL and reads outside of transactions. Write-ahead logging is a property of
    # the file: migrating sets it, since two connections that set it at once are both refused.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_SECONDS * 1000}", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that holds the right to write from its beginning: nothing it read can change under it."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(**{_IMMEDIATE: True})
        async with connection.begin():
            yield connection


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that reads one state of the record."""
    async with engine.connect() as connection, connection.begin():
        yield connection

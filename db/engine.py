"""Engines, connections and transactions for SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from db.errors import translate_db_errors
from domain.errors import ConfigurationError

SQLITE: Final = "sqlite+aiosqlite"
POSTGRESQL: Final = "postgresql+asyncpg"
URL_FORMS: Final = (
    "sqlite+aiosqlite:///FILE, postgresql+asyncpg://USER:PASSWORD@HOST/NAME or "
    "postgresql+asyncpg://USER@/NAME?host=/SOCKET/FOLDER"
)
STATEMENT_SECONDS: Final = "supplygraph_statement_seconds"
"""The execution option that holds the statement timeout which the engine's connections already have."""
_BUSY_SECONDS: Final = 15
_IMMEDIATE: Final = "supplygraph_immediate"
_WRITE_SECONDS: Final = "supplygraph_write_seconds"
_WRITE_LOCKS: Final[WeakKeyDictionary[Engine, tuple[asyncio.AbstractEventLoop, asyncio.Lock]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """The size of the connection pool, and timeouts in seconds. Only the pool settings and `statement_seconds` apply to SQLite.

    `statement_seconds` limits a statement that reads. `write_seconds` limits a statement that writes, including the time that it
    waits for an account's lock.
    """

    pool_size: int = 10
    pool_wait_seconds: float = 5
    connect_seconds: float = 5
    statement_seconds: float = 5
    write_seconds: float = 60


DEFAULT_SETTINGS: Final = ConnectionSettings()


def parse_url(url: str) -> URL:
    """Parse a database URL. Raises ConfigurationError, whose text never contains the URL."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"database.url is not a valid database URL; use {URL_FORMS}") from None
    if parsed.drivername not in {SQLITE, POSTGRESQL}:
        raise ConfigurationError(
            f"database.url names the driver '{parsed.drivername}', which is not supported; use {URL_FORMS}"
        )
    if parsed.drivername == POSTGRESQL and not parsed.database:
        raise ConfigurationError(f"database.url does not name a database on the server; use {URL_FORMS}")
    return parsed


def make_engine(url: str, settings: ConnectionSettings = DEFAULT_SETTINGS) -> AsyncEngine:
    """Create an engine without connecting. Raises ConfigurationError, whose text never contains the URL."""
    parsed = parse_url(url)
    return _make_postgresql(parsed, settings) if parsed.drivername == POSTGRESQL else _make_sqlite(parsed, settings)


def is_postgresql(engine: AsyncEngine | AsyncConnection) -> bool:
    """Return whether the database is PostgreSQL."""
    return engine.dialect.name == "postgresql"


def _make_sqlite(url: URL, settings: ConnectionSettings) -> AsyncEngine:
    # A database in memory has one connection: a second connection would open a different database.
    pool = {"pool_size": settings.pool_size, "max_overflow": 0, "pool_timeout": settings.pool_wait_seconds}
    engine = create_async_engine(url, hide_parameters=True, **(pool if url.database else {}))
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _make_postgresql(url: URL, settings: ConnectionSettings) -> AsyncEngine:
    async def connect() -> Any:
        return await connect_postgresql(url, settings)

    engine = create_async_engine(
        URL.create(POSTGRESQL),
        async_creator=connect,
        hide_parameters=True,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_wait_seconds,
        execution_options={
            STATEMENT_SECONDS: settings.statement_seconds,
            _WRITE_SECONDS: settings.write_seconds,
        },
    )
    event.listen(engine.sync_engine, "checkout", _on_checkout)
    return engine


async def connect_postgresql(
    url: URL, settings: ConnectionSettings, server_settings: Mapping[str, str] = MappingProxyType({})
) -> asyncpg.Connection[Any]:
    """Open a connection of the driver. `server_settings` are additional PostgreSQL settings of the session.

    Raises OSError, TimeoutError or an error of asyncpg, whose texts name the server and never contain the password.
    """
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        dsn,
        timeout=settings.connect_seconds,
        server_settings={
            "application_name": "supplygraph",
            # The server cancels a statement that takes too long, so the connection stays usable.
            "statement_timeout": milliseconds(settings.statement_seconds),
            # Transactions are never idle for long. One that is has lost its gateway and still holds locks.
            "idle_in_transaction_session_timeout": milliseconds(settings.write_seconds),
            # Statements are short and frequent, and compiling them to machine code takes longer than running them.
            "jit": "off",
            **server_settings,
        },
    )
    return connection


def milliseconds(seconds: float) -> str:
    """Format a timeout for PostgreSQL, at least 1 because 0 means no timeout."""
    return str(max(1, round(seconds * 1000)))


def _on_connect(connection: Any, _record: object) -> None:
    # By default the driver runs DDL and reads outside of transactions. Write-ahead logging is a property of the file and is set
    # by the migration, because two connections that set it at the same time both fail.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_SECONDS * 1000}", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _on_checkout(connection: Any, _record: object, _fairy: object) -> None:
    # The driver notices when a restarting server closes the connection, so no query is needed to test it.
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed the connection")


@asynccontextmanager
async def write_transaction(engine: AsyncEngine, seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
    """Begin a transaction that writes. Each statement takes at most `seconds`, by default the engine's `write_seconds`.

    On SQLite, write transactions of this process are serial, and they wait for each other without a connection. Otherwise many
    waiting writers would hold every connection of the pool, and nobody could read. On PostgreSQL, every statement sees what was
    committed before it began. A caller that writes what it computed from a read must therefore lock first, either the account's
    row or an advisory lock. Raises DatabaseUnavailable, and RecordNotWritten if the database refuses a statement.
    """
    if not is_postgresql(engine):
        async with _write_lock(engine), translate_db_errors(writing=True), engine.connect() as plain:
            immediate = await plain.execution_options(**{_IMMEDIATE: True})
            async with immediate.begin():
                yield immediate
        return
    async with translate_db_errors(writing=True), engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            limit = engine.sync_engine.get_execution_options()[_WRITE_SECONDS] if seconds is None else seconds
            await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds(limit)}")
            yield connection


def _write_lock(engine: AsyncEngine) -> asyncio.Lock:
    """Return the lock that serializes the engine's writers in the current event loop."""
    loop = asyncio.get_running_loop()
    entry = _WRITE_LOCKS.get(engine.sync_engine)
    if entry is None or entry[0] is not loop:
        entry = _WRITE_LOCKS[engine.sync_engine] = (loop, asyncio.Lock())
    return entry[1]


@asynccontextmanager
async def read_transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Begin a transaction in which all statements read the same snapshot. Raises DatabaseUnavailable."""
    async with translate_db_errors(), engine.connect() as plain:
        connection = plain
        if is_postgresql(engine):
            connection = await plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with connection.begin():
            yield connection

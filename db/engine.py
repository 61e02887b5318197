"""Engines: how connections are made and how transactions begin, on either database."""

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
FORMS: Final = (
    "sqlite+aiosqlite:///FILE, postgresql+asyncpg://USER:PASSWORD@HOST/NAME or "
    "postgresql+asyncpg://USER@/NAME?host=/SOCKET/FOLDER"
)
STATEMENT_SECONDS: Final = "supplygraph_statement_seconds"
"""The engine's option that says what bounds its connections' statements already."""
_BUSY_SECONDS: Final = 15
_IMMEDIATE: Final = "supplygraph_immediate"
_WRITE_SECONDS: Final = "supplygraph_write_seconds"
_TURNS: Final[WeakKeyDictionary[Engine, tuple[asyncio.AbstractEventLoop, asyncio.Lock]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How connections are made, kept and bounded; all in seconds. On SQLite, which is a file, only the pool's size matters.

    `statement_seconds` bounds a statement that reads, `write_seconds` one that writes, the wait for an account's lock included.
    """

    pool_size: int = 10
    pool_wait_seconds: float = 5
    connect_seconds: float = 5
    statement_seconds: float = 5
    write_seconds: float = 60


DEFAULT: Final = ConnectionSettings()


def parse_url(url: str) -> URL:
    """The parts of a database URL. Raises ConfigurationError, which never repeats the URL."""
    try:
        told = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"database.url is no database URL; write {FORMS}") from None
    if told.drivername not in {SQLITE, POSTGRESQL}:
        raise ConfigurationError(
            f"database.url names the driver '{told.drivername}', which is not known here; write {FORMS}"
        )
    if told.drivername == POSTGRESQL and not told.database:
        raise ConfigurationError(f"database.url names no database on its server; write {FORMS}")
    return told


def make_engine(url: str, connecting: ConnectionSettings = DEFAULT) -> AsyncEngine:
    """An engine for a URL; no connection is made. Raises ConfigurationError, which never repeats the URL."""
    told = parse_url(url)
    return _postgresql(told, connecting) if told.drivername == POSTGRESQL else _sqlite(told, connecting)


def is_postgresql(engine: AsyncEngine | AsyncConnection) -> bool:
    """Whether the record is kept by PostgreSQL."""
    return engine.dialect.name == "postgresql"


def _sqlite(url: URL, connecting: ConnectionSettings) -> AsyncEngine:
    # A record in memory has one connection: another would see another record.
    pool = {"pool_size": connecting.pool_size, "max_overflow": 0, "pool_timeout": connecting.pool_wait_seconds}
    engine = create_async_engine(url, hide_parameters=True, **(pool if url.database else {}))
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _postgresql(url: URL, connecting: ConnectionSettings) -> AsyncEngine:
    async def connect() -> Any:
        return await connect_postgresql(url, connecting)

    engine = create_async_engine(
        URL.create(POSTGRESQL),
        async_creator=connect,
        hide_parameters=True,
        pool_size=connecting.pool_size,
        max_overflow=0,
        pool_timeout=connecting.pool_wait_seconds,
        execution_options={
            STATEMENT_SECONDS: connecting.statement_seconds,
            _WRITE_SECONDS: connecting.write_seconds,
        },
    )
    event.listen(engine.sync_engine, "checkout", _on_checkout)
    return engine


async def connect_postgresql(
    url: URL, connecting: ConnectionSettings, settings: Mapping[str, str] = MappingProxyType({})
) -> asyncpg.Connection[Any]:
    """A connection of the driver's own, as every one of this gateway is made; `settings` are the server's, for this one.

    Raises OSError, TimeoutError or asyncpg's errors, whose texts name the server and never hold the password.
    """
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        dsn,
        timeout=connecting.connect_seconds,
        server_settings={
            "application_name": "supplygraph",
            # The server ends what takes too long: then the connection stays good.
            "statement_timeout": milliseconds(connecting.statement_seconds),
            # Nothing waits inside a transaction: what does is a connection that lost its gateway and holds locks.
            "idle_in_transaction_session_timeout": milliseconds(connecting.write_seconds),
            # Statements are short and many; compiling them to machine code takes longer than running them.
            "jit": "off",
            **settings,
        },
    )
    return connection


def milliseconds(seconds: float) -> str:
    """A bound as PostgreSQL reads it; 0 would be none."""
    return str(max(1, round(seconds * 1000)))


def _on_connect(connection: Any, _record: object) -> None:
    # The driver's own way to begin would leave DDL and reads outside of transactions. Write-ahead logging is a property of
    # the file: migrating sets it, since two connections that set it at once are both refused.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_SECONDS * 1000}", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _on_checkout(connection: Any, _record: object, _fairy: object) -> None:
    # A server that was restarted closed its connections, and the driver noticed: asking the server each time is not needed.
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed the connection")


@asynccontextmanager
async def write_transaction(engine: AsyncEngine, seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
    """A transaction that writes; each of its statements takes at most `seconds`, else what the engine was made with.

    On SQLite it is alone from its beginning, and waits for its turn without a connection: many that write at once would else
    hold them all while one of them works, and nobody could read. On PostgreSQL every statement sees what was committed before
    it began, so whoever reads in order to write locks first: an account's row, or a turn. Raises RecordUnavailable.
    """
    if not is_postgresql(engine):
        async with _turn(engine), translate_db_errors(), engine.connect() as plain:
            immediate = await plain.execution_options(**{_IMMEDIATE: True})
            async with immediate.begin():
                yield immediate
        return
    async with translate_db_errors(), engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            bound = engine.sync_engine.get_execution_options()[_WRITE_SECONDS] if seconds is None else seconds
            await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds(bound)}")
            yield connection


def _turn(engine: AsyncEngine) -> asyncio.Lock:
    """Whose turn it is to write in this process."""
    loop = asyncio.get_running_loop()
    known = _TURNS.get(engine.sync_engine)
    if known is None or known[0] is not loop:
        known = _TURNS[engine.sync_engine] = (loop, asyncio.Lock())
    return known[1]


@asynccontextmanager
async def read_transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that reads one state of the record, however many statements it takes. Raises RecordUnavailable."""
    async with translate_db_errors(), engine.connect() as plain:
        connection = plain
        if is_postgresql(engine):
            connection = await plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with connection.begin():
            yield connection

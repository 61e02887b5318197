"""One database, opened: what the gateway needs of it besides reading and writing the record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import RecordClock
from db.connections import EngineReader, PostgresqlReader, RowReader, SqliteReader
from db.engine import DEFAULT, ConnectionSettings, is_postgresql, make_engine, parse_url, read_transaction
from db.errors import error_cause
from db.migrations import migrate
from domain.errors import ConfigurationError, DatabaseUnavailable
from domain.timestamps import Clock


@dataclass(frozen=True, slots=True)
class Database:
    """The engine, with its beginning and its end."""

    engine: AsyncEngine
    url: URL
    connecting: ConnectionSettings = DEFAULT

    @classmethod
    def open(cls, url: str, connecting: ConnectionSettings = DEFAULT) -> Self:
        """The database of a URL; no connection is made. Raises ConfigurationError, which never repeats the URL."""
        database = cls(make_engine(url, connecting), parse_url(url), connecting)
        if database.file is not None and not database.file.parent.is_dir():
            raise ConfigurationError(
                f"database.url: there is no folder {database.file.parent}; make it, or name another"
            )
        return database

    @property
    def file(self) -> Path | None:
        """The file that SQLite keeps the record in; None where it is no file."""
        name = self.engine.url.database
        named = self.engine.url.get_backend_name() == "sqlite" and name and not name.startswith((":memory:", "file:"))
        return Path(name).absolute() if name and named else None

    def clock(self, own: Clock) -> Clock:
        """The record's clock on this machine, whose own is handed in. SQLite runs here, so its is that."""
        return RecordClock(own) if is_postgresql(self.engine) else own

    def readers(self, seconds: float | None = None) -> RowReader:
        """Return the driver's own connections for reading. `seconds` bounds a statement where SQLAlchemy's pool is used."""
        if self.file is not None:
            return SqliteReader(self.file, self.connecting)
        if is_postgresql(self.engine):
            return PostgresqlReader(self.url, self.connecting)
        return EngineReader(self.engine, self.connecting.statement_seconds if seconds is None else seconds)

    async def migrate(self) -> None:
        """Bring the record up to this version. Raises ConfigurationError where there is no database to bring up."""
        try:
            await migrate(self.engine)
        except (SQLAlchemyError, DatabaseUnavailable) as error:
            told = error.cause if isinstance(error, DatabaseUnavailable) else error_cause(error)
            raise ConfigurationError(f"database.url: the database cannot be used: {told}") from None

    async def answers(self) -> bool:
        """Whether the database answers."""
        try:
            async with read_transaction(self.engine) as connection:
                await connection.execute(text("SELECT 1 FROM accounts LIMIT 1"))
        except (SQLAlchemyError, DatabaseUnavailable):
            return False
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

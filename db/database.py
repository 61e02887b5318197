"""One database: how it is opened, migrated, checked and closed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from alembic.util import CommandError
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import DatabaseClock
from db.connections import EngineReader, PostgresqlReader, RowReader, SqliteReader
from db.engine import DEFAULT_SETTINGS, ConnectionSettings, is_postgresql, make_engine, parse_url, read_transaction
from db.errors import error_cause
from db.migrations import migrate
from domain.errors import ConfigurationError, DatabaseUnavailable, RecordNotWritten
from domain.timestamps import Clock


@dataclass(frozen=True, slots=True)
class Database:
    """An engine and the settings of its connections."""

    engine: AsyncEngine
    url: URL
    settings: ConnectionSettings = DEFAULT_SETTINGS

    @classmethod
    def open(cls, url: str, settings: ConnectionSettings = DEFAULT_SETTINGS) -> Self:
        """Open the database of a URL without connecting. Raises ConfigurationError, whose text never contains the URL."""
        database = cls(make_engine(url, settings), parse_url(url), settings)
        if database.file is not None and not database.file.parent.is_dir():
            raise ConfigurationError(
                f"database.url: the folder {database.file.parent} does not exist; create it or name another file"
            )
        return database

    @property
    def file(self) -> Path | None:
        """The path of the SQLite file; `None` if the database is not a file."""
        name = self.engine.url.database
        if self.engine.url.get_backend_name() != "sqlite" or not name or name.startswith((":memory:", "file:")):
            return None
        return Path(name).absolute()

    def clock(self, local: Clock) -> Clock:
        """Return the database's clock. SQLite runs in this process, so its clock is the local one."""
        return DatabaseClock(local) if is_postgresql(self.engine) else local

    def readers(self, seconds: float | None = None) -> RowReader:
        """Return a reader that uses the driver directly, or the engine if the database is in memory.

        `seconds` bounds a statement in the latter case; None takes the settings' bound.
        """
        if self.file is not None:
            return SqliteReader(self.file, self.settings)
        if is_postgresql(self.engine):
            return PostgresqlReader(self.url, self.settings)
        return EngineReader(self.engine, self.settings.statement_seconds if seconds is None else seconds)

    async def migrate(self) -> None:
        """Upgrade the schema to this version. Raises ConfigurationError if the database cannot be used."""
        place = f"the file {self.file}" if self.file is not None else "the database"
        if self.file is not None and self.file.is_dir():
            raise ConfigurationError(f"database.url: {self.file} is a folder; name a file")
        try:
            await migrate(self.engine)
        except (DatabaseUnavailable, RecordNotWritten) as error:
            raise ConfigurationError(f"database.url: {place} cannot be used: {error.cause}") from None
        except SQLAlchemyError as error:
            raise ConfigurationError(f"database.url: {place} cannot be used: {error_cause(error)}") from None
        except (OSError, sqlite3.Error) as error:
            cause = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigurationError(
                f"database.url: {place} cannot be used: {cause}; check that it is a database of supplygraph, that its folder "
                "can be written, and that no other program holds its lock"
            ) from None
        except CommandError:
            raise ConfigurationError(
                f"database.url: {place} was written by a newer version of supplygraph; install that version, "
                "or name another database"
            ) from None

    async def answers(self) -> bool:
        """Return whether the database responds and has a schema."""
        try:
            async with read_transaction(self.engine) as connection:
                await connection.execute(text("SELECT 1 FROM accounts LIMIT 1"))
        except (SQLAlchemyError, DatabaseUnavailable):
            return False
        return True

    async def close(self) -> None:
        """Close every connection of the engine."""
        await self.engine.dispose()

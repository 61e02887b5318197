"""The databases on which tests run: an SQLite file and PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, unique
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine
from db.migrations import migrate
from tests.doubles.postgresql import the_server


@unique
class DatabaseBackend(Enum):
    """A supported database."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        """Yield the URL of a new database with the current schema and no rows. It is deleted after the block."""
        if self is DatabaseBackend.POSTGRESQL:
            async with the_server().record() as url:
                yield url
            return
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite+aiosqlite:///{Path(folder) / 'record.db'}"
            engine = make_engine(url)
            await migrate(engine)
            await engine.dispose()
            yield url

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """Yield the URL of a new database without tables. It is deleted after the block."""
        if self is DatabaseBackend.POSTGRESQL:
            server = the_server()
            name = await server.empty()
            try:
                yield server.url(name)
            finally:
                await server.drop(name)
            return
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite+aiosqlite:///{Path(folder) / 'record.db'}"

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[AsyncEngine]:
        """Yield an engine on a new database with the current schema."""
        async with self.fresh() as url:
            engine = make_engine(url)
            try:
                yield engine
            finally:
                await engine.dispose()

"""Schema migrations: they upgrade a database of any earlier version to this version."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from filelock import AsyncFileLock
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import is_postgresql, write_transaction
from db.locks import AdvisoryLock, acquire

_HERE: Final = Path(__file__).parent
_LOCK_SECONDS: Final = 60
# Building an index on a large table takes a long time.
_STATEMENT_SECONDS: Final = 3600
# Alembic stores its connection in a global variable of the process, which may run several event loops.
_ALEMBIC_LOCK: Final = threading.Lock()


def alembic_config(connection: Connection | None = None) -> Config:
    """Return the Alembic configuration for this folder. Migrations run on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def migrate(engine: AsyncEngine) -> None:
    """Upgrade the schema to this version. Safe to repeat, and safe to run in several processes at once.

    A second process waits for the first, on SQLite with a lock file next to the database, and then has nothing to do.
    """
    if is_postgresql(engine):
        await _upgrade(engine)
        return
    async with AsyncFileLock(f"{engine.url.database}.lock", timeout=_LOCK_SECONDS):
        await asyncio.to_thread(_enable_wal, str(engine.url.database))
        await _upgrade(engine)


async def _upgrade(engine: AsyncEngine) -> None:
    async with write_transaction(engine, _STATEMENT_SECONDS) as connection:
        await acquire(connection, AdvisoryLock.MIGRATING)
        await asyncio.to_thread(_ALEMBIC_LOCK.acquire)
        try:
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))
        finally:
            _ALEMBIC_LOCK.release()


def _enable_wal(path: str) -> None:
    """Enable write-ahead logging, so that readers and a writer do not block each other.

    This is a property of the file and can only be changed outside of a transaction.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")

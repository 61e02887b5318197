"""The steps by which a record made by any earlier version becomes one of this version."""

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
_PATIENCE_SECONDS: Final = 60
# Building an index over a large record takes its time.
_STEPS_SECONDS: Final = 3600
_one_at_a_time: Final = threading.Lock()


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings for this folder; the connection, where given, is the one it works on."""
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def migrate(engine: AsyncEngine) -> None:
    """Bring the record up to this version. Safe to run twice, and beside another process that does the same.

    The second of two waits for its turn, on SQLite at a lock beside the file, and finds nothing left to do.
    """
    if is_postgresql(engine):
        await _upgrade(engine)
        return
    async with AsyncFileLock(f"{engine.url.database}.lock", timeout=_PATIENCE_SECONDS):
        await asyncio.to_thread(_write_ahead, str(engine.url.database))
        await _upgrade(engine)


async def _upgrade(engine: AsyncEngine) -> None:
    async with write_transaction(engine, _STEPS_SECONDS) as connection:
        await acquire(connection, AdvisoryLock.MIGRATING)
        # Alembic keeps the connection it works on in a global of the process, which may serve several event loops.
        await asyncio.to_thread(_one_at_a_time.acquire)
        try:
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))
        finally:
            _one_at_a_time.release()


def _write_ahead(path: str) -> None:
    """Make readers and a writer not wait for each other: a property of the file, which changes outside of transactions."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")

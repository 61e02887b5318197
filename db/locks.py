"""Advisory locks: they serialize transactions over all processes that use the database."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import is_postgresql

# Separates these locks from those of other applications in the same database.
_NAMESPACE: Final = 0x5347


@unique
class AdvisoryLock(IntEnum):
    """A transaction that needs several locks acquires them in this order.

    The lock on an account's row comes after CONFIGURING and before HISTORY.
    """

    MIGRATING = 1
    CONFIGURING = 2
    """For adding, renaming and deactivating accounts and scopes."""
    TOKENS = 3
    """For changing tokens that depend on other tokens."""
    HISTORY = 4
    """For appending to the history. Its numbers must rise in commit order, or a reader who pages by them misses entries."""


async def acquire(connection: AsyncConnection, lock: AdvisoryLock) -> None:
    """Wait for the lock and hold it until the transaction ends. No-op on SQLite, where write transactions are serial."""
    if is_postgresql(connection):
        await connection.execute(select(func.pg_advisory_xact_lock(_NAMESPACE, int(lock))))

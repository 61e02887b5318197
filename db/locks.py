"""Turns: what only one transaction at a time may do in a whole database, whichever process it belongs to."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import is_postgresql

# Tells our advisory locks from those of others in the same database.
_OURS: Final = 0x5347


@unique
class AdvisoryLock(IntEnum):
    """Whoever takes several takes them in this order, and an account's lock after CONFIGURING and before HISTORY."""

    MIGRATING = 1
    CONFIGURING = 2
    """Adds, renames or sets aside accounts and scopes."""
    TOKENS = 3
    """Reads tokens in order to write them."""
    HISTORY = 4
    """Appends to the history: its numbers must rise in the order of commits, or a reader who pages by them misses some."""


async def acquire(connection: AsyncConnection, turn: AdvisoryLock) -> None:
    """Wait for the turn and hold it until the transaction ends. SQLite's transactions that write take turns anyway."""
    if is_postgresql(connection):
        await connection.execute(select(func.pg_advisory_xact_lock(_OURS, int(turn))))

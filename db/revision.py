"""The data revision: while it stays the same, a repeated read returns the same rows.

It is random rather than counted, so that a database restored from a backup never repeats a revision.
"""

from __future__ import annotations

from secrets import randbits
from typing import Final

from sqlalchemy import ScalarSelect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tables import data_revision

_BITS: Final = 63


async def bump(connection: AsyncConnection) -> None:
    """Give the data a new revision. Call it last in every transaction that changes what readers see.

    All accounts share one row, so a transaction that has locked it must not wait for another lock.
    """
    await connection.execute(update(data_revision).values(revision=randbits(_BITS)))


def revision() -> ScalarSelect[int]:
    """Return the revision as a scalar subquery; null if the database has none, and then nothing may be cached."""
    return select(data_revision.c.revision).scalar_subquery()

"""The record's version: whatever was read at it is what would be read, until there is another.

It is drawn by lot and not counted, so that a record which was put back from a copy does not come to a version twice.
"""

from __future__ import annotations

from secrets import randbits
from typing import Final

from sqlalchemy import ScalarSelect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tables import record_version

_BITS: Final = 63


async def bump(connection: AsyncConnection) -> None:
    """Tell that something was changed which readers are shown; the last thing in a transaction that did so.

    Its row is one for all accounts: what locks it waits for nobody else afterwards.
    """
    await connection.execute(update(record_version).values(version=randbits(_BITS)))


def version() -> ScalarSelect[int]:
    """The version in a statement; null in a record that has none, of which nothing may be kept."""
    return select(record_version.c.version).scalar_subquery()

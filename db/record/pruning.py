"""Prunes the history: old entries are replaced with one snapshot per resource, and old tombstones are deleted."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.record.load import LockedAccount
from db.record.rows import json_text
from db.tables import history, links, provenance, resources
from domain.enums import ResourceStatus
from domain.records.history import SNAPSHOT, replay

# Limits the size of a transaction; the next pruning continues.
_BATCH: Final = 500


async def prune(connection: AsyncConnection, account: LockedAccount, before: str) -> int:
    """Prune the account's entries observed before the instant. Return the number of removed entries.

    The account must be locked, so that no tombstone comes back to life before it is deleted.
    """
    removed = await _delete_tombstones(connection, account, before)
    old = (
        select(history.c.resource_id)
        .where(history.c.account_id == account.account_id, history.c.observed_at < before)
        .group_by(history.c.resource_id)
        .having((func.count() > 1) | (func.min(history.c.field) != SNAPSHOT))
        .limit(_BATCH)
    )
    for resource_id in list(await connection.scalars(old)):
        removed += await _fold_entries(connection, resource_id, before)
    return removed


async def _fold_entries(connection: AsyncConnection, resource_id: str, before: str) -> int:
    """Replace the old entries of a resource with one snapshot. Return the number of removed entries."""
    mine = history.c.resource_id == resource_id
    # Stop at the first entry that stays: if the clock was set back, older instants can follow newer ones.
    first_recent = await connection.scalar(select(func.min(history.c.seq)).where(mine, history.c.observed_at >= before))
    old = [mine] if first_recent is None else [mine, history.c.seq < first_recent]
    rows = (await connection.execute(select(history).where(*old).order_by(history.c.seq))).all()
    if not rows:
        return 0
    state = replay((row.field, json.loads(row.before), json.loads(row.after)) for row in rows)
    last = rows[-1].seq
    await connection.execute(delete(history).where(mine, history.c.seq < last))
    await connection.execute(
        update(history)
        .where(history.c.seq == last)
        .values(field=SNAPSHOT, before=json_text(None), after=json_text(state))
    )
    return len(rows) - 1


async def _delete_tombstones(connection: AsyncConnection, account: LockedAccount, before: str) -> int:
    """Delete tombstones whose whole history is old. Return the number of removed history entries."""
    newest = (
        select(func.max(history.c.observed_at)).where(history.c.resource_id == resources.c.resource_id)
    ).correlate(resources)
    dead = (
        select(resources.c.resource_id)
        .where(
            resources.c.account_id == account.account_id,
            resources.c.status == ResourceStatus.DELETED.value,
            resources.c.deleted_at < before,
            newest.scalar_subquery() < before,
        )
        .limit(_BATCH)
    )
    ids = list(await connection.scalars(dead))
    if not ids:
        return 0
    removed = await connection.execute(delete(history).where(history.c.resource_id.in_(ids)))
    await connection.execute(delete(provenance).where(provenance.c.resource_id.in_(ids)))
    await connection.execute(delete(links).where(links.c.from_id.in_(ids) | links.c.to_id.in_(ids)))
    await connection.execute(delete(resources).where(resources.c.resource_id.in_(ids)))
    return removed.rowcount

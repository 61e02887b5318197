"""Maintains the links between resources that are the same machine or volume, seen through two accounts.

The links are updated in the transaction that changed one of the resources. A lock serializes such transactions of different
accounts, so the later one sees what the earlier one has committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, and_, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.locks import AdvisoryLock, acquire
from db.record.rows import json_text
from db.tables import accounts, history, links, resources
from domain.enums import LinkType, ObservationSource, ResourceKind, ResourceStatus
from domain.records.duplicates import Candidate, same_machines
from domain.records.history import LINKS
from domain.records.model import Changes, LockedState, ResourceRecord
from domain.records.observation import Json, UpstreamResource
from domain.timestamps import optional_instant, to_text

SAME: Final = LinkType.SAME_MACHINE.value
_BATCH: Final = 500


async def update_links(connection: AsyncConnection, state: LockedState, changes: Changes, at: datetime) -> None:
    """Open and close links between duplicates after these changes."""
    before = {record.resource_id: record for record in (*state.resources.values(), *state.tombstones.values())}
    changed = [record for record in changes.resources if _evidence_changed(before.get(record.resource_id), record)]
    ids = {vendor_id for record in changed for vendor_id in _vendor_ids(record)}
    ids |= {
        vendor_id
        for record in changed
        if (old := before.get(record.resource_id)) is not None
        for vendor_id in _vendor_ids(old)
    }
    if ids:
        await _synchronize(connection, sorted(ids), at, ObservationSource.SWEEP)


async def rebuild_links(connection: AsyncConnection, at: datetime) -> None:
    """Open and close links between all duplicates, after the set of configured accounts has changed."""
    living = resources.c.status != ResourceStatus.DELETED.value
    upstream_ids = select(resources.c.upstream_id).where(living, resources.c.upstream_id.is_not(None))
    ids = set(await connection.scalars(upstream_ids))
    other = resources.alias()
    shared_ids = select(resources.c.vendor_id).where(
        living,
        select(other.c.resource_id)
        .where(
            other.c.vendor_id == resources.c.vendor_id,
            other.c.kind == resources.c.kind,
            other.c.account_id != resources.c.account_id,
        )
        .exists(),
    )
    ids |= set(await connection.scalars(shared_ids.distinct()))
    if ids:
        await _synchronize(connection, sorted(ids), at, ObservationSource.OPERATOR)


def _vendor_ids(record: ResourceRecord) -> Iterable[str]:
    yield record.vendor_id
    if record.upstream is not None:
        yield record.upstream.vendor_id


def _evidence_changed(before: ResourceRecord | None, after: ResourceRecord) -> bool:
    return before is None or _evidence(before) != _evidence(after)


def _evidence(record: ResourceRecord) -> tuple[object, ...]:
    ip = None if record.live.access is None else record.live.access.external_ip
    return record.deleted, record.upstream, record.vendor_created_at, ip


async def _synchronize(
    connection: AsyncConnection, ids: Sequence[str], at: datetime, source: ObservationSource
) -> None:
    """Open and close the links between resources with these vendor ids."""
    # A transaction that has waited here sees what the previous holder of the lock has committed.
    await acquire(connection, AdvisoryLock.HISTORY)
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        rows = (await connection.execute(_select_candidates(batch))).all()
        expected = same_machines(map(_to_candidate, rows))
        linked = {(row.from_id, row.to_id) for row in await connection.execute(_select_open_links(batch))}
        living = {row.resource_id for row in rows}
        for pair in sorted(linked - expected):
            if living.issuperset(pair) or not await _are_candidates(connection, pair):
                await _close_link(connection, pair, at, source)
        for pair in sorted(expected - linked):
            await _open_link(connection, pair, at, source)


def _is_candidate() -> Any:
    return and_(resources.c.status != ResourceStatus.DELETED.value, accounts.c.configured)


def _select_candidates(ids: Sequence[str]) -> Select[Any]:
    return (
        select(resources, accounts.c.id_space)
        .join(accounts, accounts.c.account_id == resources.c.account_id)
        .where(_is_candidate(), or_(resources.c.vendor_id.in_(ids), resources.c.upstream_id.in_(ids)))
    )


def _select_open_links(ids: Sequence[str]) -> Select[Any]:
    is_open = and_(links.c.link_type == SAME, links.c.owned == true(), links.c.linked_until.is_(None))
    return select(links).where(is_open, or_(links.c.from_vendor_id.in_(ids), links.c.to_vendor_id.in_(ids)))


def _to_candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        resource_id=row.resource_id,
        account_id=row.account_id,
        kind=ResourceKind(row.kind),
        vendor=row.vendor,
        vendor_id=row.vendor_id,
        id_space=row.id_space,
        created_at=optional_instant(row.vendor_created_at),
        external_ip=row.external_ip,
        upstream=None if row.upstream_id is None else UpstreamResource(row.upstream_vendor, row.upstream_id),
    )


async def _are_candidates(connection: AsyncConnection, pair: tuple[str, str]) -> bool:
    statement = (
        select(resources.c.resource_id)
        .join(accounts, accounts.c.account_id == resources.c.account_id)
        .where(_is_candidate(), resources.c.resource_id.in_(pair))
    )
    return len((await connection.execute(statement)).all()) == len(pair)


async def _select_ends(connection: AsyncConnection, pair: tuple[str, str]) -> tuple[Any, Any]:
    statement = (
        select(
            resources.c.resource_id,
            resources.c.account_id,
            resources.c.kind,
            resources.c.vendor_id,
            accounts.c.flight_no,
        )
        .join(accounts, accounts.c.account_id == resources.c.account_id)
        .where(resources.c.resource_id.in_(pair))
    )
    rows = {row.resource_id: row for row in await connection.execute(statement)}
    return rows[pair[0]], rows[pair[1]]


async def _open_link(
    connection: AsyncConnection, pair: tuple[str, str], at: datetime, source: ObservationSource
) -> None:
    duplicate, direct = await _select_ends(connection, pair)
    rows = [
        {
            "account_id": start.account_id,
            "other_account_id": end.account_id,
            "owned": start is duplicate,
            "link_type": SAME,
            "from_kind": start.kind,
            "from_vendor_id": start.vendor_id,
            "from_id": start.resource_id,
            "to_kind": end.kind,
            "to_vendor_id": end.vendor_id,
            "to_id": end.resource_id,
            "linked_since": to_text(at),
            "linked_until": None,
        }
        for start, end in ((duplicate, direct), (direct, duplicate))
    ]
    await connection.execute(insert(links), rows)
    for start, end in ((duplicate, direct), (direct, duplicate)):
        await _append_history(connection, start, None, _history_value(end, to_text(at)), at, source)


async def _close_link(
    connection: AsyncConnection, pair: tuple[str, str], at: datetime, source: ObservationSource
) -> None:
    duplicate, direct = await _select_ends(connection, pair)
    for start, end in ((duplicate, direct), (direct, duplicate)):
        mine = and_(
            links.c.link_type == SAME,
            links.c.from_id == start.resource_id,
            links.c.to_id == end.resource_id,
            links.c.linked_until.is_(None),
        )
        since = await connection.scalar(
            update(links).where(mine).values(linked_until=to_text(at)).returning(links.c.linked_since)
        )
        if since is not None:
            await _append_history(connection, start, _history_value(end, since), None, at, source)


def _history_value(end: Any, since: str) -> Json:
    return {"linkType": SAME, "kind": end.kind, "vendorId": end.vendor_id, "linkedSince": since}


async def _append_history(
    connection: AsyncConnection, end: Any, before: Json, after: Json, at: datetime, source: ObservationSource
) -> None:
    entry = {
        "resource_id": end.resource_id,
        "account_id": end.account_id,
        "field": LINKS,
        "before": json_text(before),
        "after": json_text(after),
        "observed_at": to_text(at),
        "source": source.value,
        "flight_no": end.flight_no,
    }
    await connection.execute(insert(history).values(**entry))

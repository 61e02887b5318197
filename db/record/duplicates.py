"""Keeping the links between records of one machine, which lie in two accounts, in line with what is recorded of both.

It is part of the transaction that changed one of them. Two transactions of two accounts take turns here, so the later one sees
what the other has recorded.
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


async def follow(connection: AsyncConnection, held: LockedState, changes: Changes, at: datetime) -> None:
    """Join what these changes make one machine, and part what they do not leave one."""
    before = {record.resource_id: record for record in (*held.resources.values(), *held.tombstones.values())}
    changed = [record for record in changes.resources if _tells(before.get(record.resource_id), record)]
    ids = {vendor_id for record in changed for vendor_id in _ids(record)}
    ids |= {vendor_id for one in changed if (was := before.get(one.resource_id)) for vendor_id in _ids(was)}
    if ids:
        await _join(connection, sorted(ids), at, ObservationSource.SWEEP)


async def rejoin(connection: AsyncConnection, at: datetime) -> None:
    """The same for all that is recorded: which accounts are configured has changed."""
    machine = and_(resources.c.kind == ResourceKind.MACHINES.value, resources.c.status != ResourceStatus.DELETED.value)
    told = select(resources.c.upstream_id).where(machine, resources.c.upstream_id.is_not(None))
    ids = set(await connection.scalars(told))
    other = resources.alias()
    twice = select(resources.c.vendor_id).where(
        machine,
        select(other.c.resource_id)
        .where(other.c.vendor_id == resources.c.vendor_id, other.c.account_id != resources.c.account_id)
        .exists(),
    )
    ids |= set(await connection.scalars(twice.distinct()))
    if ids:
        await _join(connection, sorted(ids), at, ObservationSource.OPERATOR)


def _ids(record: ResourceRecord) -> Iterable[str]:
    yield record.vendor_id
    if record.upstream is not None:
        yield record.upstream.vendor_id


def _tells(before: ResourceRecord | None, after: ResourceRecord) -> bool:
    if after.kind is not ResourceKind.MACHINES:
        return False
    return before is None or _evidence(before) != _evidence(after)


def _evidence(record: ResourceRecord) -> tuple[object, ...]:
    ip = None if record.live.access is None else record.live.access.external_ip
    return record.deleted, record.upstream, record.vendor_created_at, ip


async def _join(connection: AsyncConnection, ids: Sequence[str], at: datetime, source: ObservationSource) -> None:
    # Whoever waits here sees, once it is its turn, what the one before it has committed.
    await acquire(connection, AdvisoryLock.HISTORY)
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        rows = (await connection.execute(_candidates(some))).all()
        wanted = same_machines(map(_sighted, rows))
        known = {(row.from_id, row.to_id): row for row in await connection.execute(_known(some))}
        living = {row.resource_id for row in rows}
        for pair in sorted(known.keys() - wanted):
            if living.issuperset(pair) or not await _both_there(connection, pair):
                await _part(connection, pair, at, source)
        for pair in sorted(wanted - known.keys()):
            await _link(connection, pair, at, source)


def _there() -> Any:
    return and_(
        resources.c.kind == ResourceKind.MACHINES.value,
        resources.c.status != ResourceStatus.DELETED.value,
        accounts.c.configured,
    )


def _candidates(ids: Sequence[str]) -> Select[Any]:
    return (
        select(resources, accounts.c.id_space)
        .join(accounts, accounts.c.account_id == resources.c.account_id)
        .where(_there(), or_(resources.c.vendor_id.in_(ids), resources.c.upstream_id.in_(ids)))
    )


def _known(ids: Sequence[str]) -> Select[Any]:
    open_now = and_(links.c.link_type == SAME, links.c.owned == true(), links.c.linked_until.is_(None))
    return select(links).where(open_now, or_(links.c.from_vendor_id.in_(ids), links.c.to_vendor_id.in_(ids)))


def _sighted(row: Row[Any]) -> Candidate:
    return Candidate(
        resource_id=row.resource_id,
        account_id=row.account_id,
        vendor=row.vendor,
        vendor_id=row.vendor_id,
        id_space=row.id_space,
        created_at=optional_instant(row.vendor_created_at),
        external_ip=row.external_ip,
        upstream=None if row.upstream_id is None else UpstreamResource(row.upstream_vendor, row.upstream_id),
    )


async def _both_there(connection: AsyncConnection, pair: tuple[str, str]) -> bool:
    statement = (
        select(resources.c.resource_id)
        .join(accounts, accounts.c.account_id == resources.c.account_id)
        .where(_there(), resources.c.resource_id.in_(pair))
    )
    return len((await connection.execute(statement)).all()) == len(pair)


async def _ends(connection: AsyncConnection, pair: tuple[str, str]) -> tuple[Any, Any]:
    statement = (
        select(resources.c.resource_id, resources.c.account_id, resources.c.vendor_id, accounts.c.flight_no)
        .join(accounts, accounts.c.account_id == resources.c.account_id)
        .where(resources.c.resource_id.in_(pair))
    )
    found = {row.resource_id: row for row in await connection.execute(statement)}
    return found[pair[0]], found[pair[1]]


async def _link(connection: AsyncConnection, pair: tuple[str, str], at: datetime, source: ObservationSource) -> None:
    duplicate, direct = await _ends(connection, pair)
    rows = [
        {
            "account_id": start.account_id,
            "other_account_id": end.account_id,
            "owned": start is duplicate,
            "link_type": SAME,
            "from_kind": ResourceKind.MACHINES.value,
            "from_vendor_id": start.vendor_id,
            "from_id": start.resource_id,
            "to_kind": ResourceKind.MACHINES.value,
            "to_vendor_id": end.vendor_id,
            "to_id": end.resource_id,
            "linked_since": to_text(at),
            "linked_until": None,
        }
        for start, end in ((duplicate, direct), (direct, duplicate))
    ]
    await connection.execute(insert(links), rows)
    for start, end in ((duplicate, direct), (direct, duplicate)):
        await _tell(connection, start, None, _value(end.vendor_id, to_text(at)), at, source)


async def _part(connection: AsyncConnection, pair: tuple[str, str], at: datetime, source: ObservationSource) -> None:
    duplicate, direct = await _ends(connection, pair)
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
            await _tell(connection, start, _value(end.vendor_id, since), None, at, source)


def _value(vendor_id: str, since: str) -> Json:
    kind = ResourceKind.MACHINES.value
    return {"linkType": SAME, "kind": kind, "vendorId": vendor_id, "linkedSince": since}


async def _tell(
    connection: AsyncConnection, end: Any, before: Json, after: Json, at: datetime, source: ObservationSource
) -> None:
    told = {
        "resource_id": end.resource_id,
        "account_id": end.account_id,
        "field": LINKS,
        "before": json_text(before),
        "after": json_text(after),
        "observed_at": to_text(at),
        "source": source.value,
        "flight_no": end.flight_no,
    }
    await connection.execute(insert(history).values(**told))

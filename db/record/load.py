"""Reading, under the account's lock, what a decision may look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.record.rows import link_record, resource_record, scope_record
from db.tables import accounts, links, resources, scopes
from domain.enums import LinkType, ResourceKind, ResourceStatus
from domain.records.model import LinkRecord, LockedState, ResourceRecord, ScopeKey, VendorKey

# Far below what any database allows in one statement.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class LockedAccount:
    """An account whose row this transaction holds."""

    account_id: int
    name: str
    vendor: str


async def lock_account(connection: AsyncConnection, name: str) -> LockedAccount:
    """Lock the account's row, so that applies of one account are serial. Raises KeyError where there is none."""
    # Links of another account into this one look at the row by their foreign keys; kept out, two applies could block each other.
    row = (
        await connection.execute(select(accounts).where(accounts.c.name == name).with_for_update(key_share=True))
    ).first()
    if row is None:
        raise KeyError(name)
    return LockedAccount(row.account_id, row.name, row.vendor)


def scope_columns() -> Select[tuple[Any, ...]]:
    """Scopes with their account's name and whether that is configured."""
    return select(
        scopes, accounts.c.name.label("account"), accounts.c.configured.label("account_configured")
    ).select_from(scopes.join(accounts, accounts.c.account_id == scopes.c.account_id))


async def load(
    connection: AsyncConnection, account: LockedAccount, scope: ScopeKey, named: Sequence[VendorKey], whole: bool
) -> LockedState:
    """All that `domain.records.model.LockedState` says."""
    rows = (await connection.execute(scope_columns().where(scopes.c.account_id == account.account_id))).mappings()
    every = {record.scope_id: record for record in map(scope_record, rows)}
    mine = next(record for record in every.values() if record.key == scope)
    living = await _living(connection, account, mine.scope_id if whole else None, named)
    missing_keys = [key for key in named if key not in living]
    open_links = await _open_links(connection, account, None if whole else [*named])
    ends = {key for link in open_links for key in (link.from_key, link.to_key)} | set(named)
    return LockedState(
        scope=mine,
        resources=living,
        tombstones=await _tombstones(connection, account, missing_keys),
        swept={scope_id: (record.swept_no, record.swept_at) for scope_id, record in every.items()},
        links=open_links,
        ends=await _ends(connection, account, sorted(ends)),
    )


def _batches(keys: Sequence[VendorKey]) -> Iterator[tuple[ResourceKind, list[str]]]:
    for kind in ResourceKind:
        ids = [key.vendor_id for key in keys if key.kind is kind]
        for start in range(0, len(ids), _BATCH):
            yield kind, ids[start : start + _BATCH]


async def _select(
    connection: AsyncConnection, account: LockedAccount, *conditions: ColumnElement[bool]
) -> Iterator[ResourceRecord]:
    statement = select(resources).where(resources.c.account_id == account.account_id, *conditions)
    rows = (await connection.execute(statement)).mappings()
    return (resource_record(row, account.name) for row in rows)


async def _living(
    connection: AsyncConnection, account: LockedAccount, scope_id: int | None, named: Sequence[VendorKey]
) -> dict[VendorKey, ResourceRecord]:
    alive = resources.c.status != ResourceStatus.DELETED.value
    found: dict[VendorKey, ResourceRecord] = {}
    if scope_id is not None:
        found |= {
            record.key: record for record in await _select(connection, account, alive, resources.c.scope_id == scope_id)
        }
    for kind, ids in _batches([key for key in named if key not in found]):
        condition = (resources.c.kind == kind.value, resources.c.vendor_id.in_(ids))
        found |= {record.key: record for record in await _select(connection, account, alive, *condition)}
    return found


async def _tombstones(
    connection: AsyncConnection, account: LockedAccount, keys: Sequence[VendorKey]
) -> dict[VendorKey, ResourceRecord]:
    dead = resources.c.status == ResourceStatus.DELETED.value
    newest: dict[VendorKey, ResourceRecord] = {}
    for kind, ids in _batches(keys):
        condition = (resources.c.kind == kind.value, resources.c.vendor_id.in_(ids))
        for record in await _select(connection, account, dead, *condition):
            other = newest.get(record.key)
            if other is None or other.generation < record.generation:
                newest[record.key] = record
    return newest


async def _open_links(
    connection: AsyncConnection, account: LockedAccount, keys: Sequence[VendorKey] | None
) -> tuple[LinkRecord, ...]:
    # No observation tells of the links between records of one machine: what is recorded of both does.
    told = links.c.link_type != LinkType.SAME_MACHINE.value
    mine = (links.c.account_id == account.account_id, links.c.owned, links.c.linked_until.is_(None), told)
    if keys is None:
        rows = (await connection.execute(select(links).where(*mine))).mappings()
        return tuple(link_record(row, account.name) for row in rows)
    found: dict[int, LinkRecord] = {}
    for kind, ids in _batches(keys):
        touches = or_(
            (links.c.from_kind == kind.value) & links.c.from_vendor_id.in_(ids),
            (links.c.to_kind == kind.value) & links.c.to_vendor_id.in_(ids),
        )
        rows = (await connection.execute(select(links).where(*mine, touches))).mappings()
        found |= {row["link_id"]: link_record(row, account.name) for row in rows}
    return tuple(found.values())


async def _ends(
    connection: AsyncConnection, account: LockedAccount, keys: Sequence[VendorKey]
) -> dict[VendorKey, UUID]:
    found: dict[VendorKey, UUID] = {}
    columns = select(resources.c.kind, resources.c.vendor_id, resources.c.resource_id)
    for kind, ids in _batches(keys):
        statement = columns.where(
            resources.c.account_id == account.account_id,
            resources.c.status != ResourceStatus.DELETED.value,
            resources.c.kind == kind.value,
            resources.c.vendor_id.in_(ids),
        )
        for row in await connection.execute(statement):
            found[VendorKey(ResourceKind(row.kind), row.vendor_id)] = UUID(row.resource_id)
    return found

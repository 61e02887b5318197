"""Loads the data on which a decision is based, under the account's lock."""

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

# Far below the number of parameters that either database allows in one statement.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class LockedAccount:
    """An account whose row this transaction has locked."""

    account_id: int
    name: str
    vendor: str
    identity: str


async def lock_account(connection: AsyncConnection, name: str) -> LockedAccount:
    """Lock the account's row, so that applies of one account are serial. Raises KeyError if there is no such account."""
    # Inserting a link from another account checks a foreign key to this row. A full lock would block that check, and two applies
    # could deadlock.
    row = (
        await connection.execute(select(accounts).where(accounts.c.name == name).with_for_update(key_share=True))
    ).first()
    if row is None:
        raise KeyError(name)
    return LockedAccount(row.account_id, row.name, row.vendor, row.identity)


def scope_columns() -> Select[tuple[Any, ...]]:
    """Select scopes with the name of their account and whether it is configured."""
    return select(
        scopes, accounts.c.name.label("account"), accounts.c.configured.label("account_configured")
    ).select_from(scopes.join(accounts, accounts.c.account_id == scopes.c.account_id))


async def load(
    connection: AsyncConnection, account: LockedAccount, scope: ScopeKey, named: Sequence[VendorKey], whole: bool
) -> LockedState:
    """Load the state that `domain.records.model.LockedState` describes."""
    rows = (await connection.execute(scope_columns().where(scopes.c.account_id == account.account_id))).mappings()
    account_scopes = {record.scope_id: record for record in map(scope_record, rows)}
    own_scope = next(record for record in account_scopes.values() if record.key == scope)
    living = await _living(connection, account, own_scope.scope_id if whole else None, named)
    missing_keys = [key for key in named if key not in living]
    open_links = await _open_links(connection, account, None if whole else [*named])
    ends = {key for link in open_links for key in (link.from_key, link.to_key)} | set(named)
    return LockedState(
        identity=account.identity,
        scope=own_scope,
        resources=living,
        tombstones=await _tombstones(connection, account, missing_keys),
        swept={scope_id: (record.swept_no, record.swept_at) for scope_id, record in account_scopes.items()},
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
    records: dict[VendorKey, ResourceRecord] = {}
    if scope_id is not None:
        records |= {
            record.key: record for record in await _select(connection, account, alive, resources.c.scope_id == scope_id)
        }
    for kind, ids in _batches([key for key in named if key not in records]):
        condition = (resources.c.kind == kind.value, resources.c.vendor_id.in_(ids))
        records |= {record.key: record for record in await _select(connection, account, alive, *condition)}
    return records


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
    # Links between duplicates follow from the recorded resources and not from observations.
    observed = links.c.link_type != LinkType.SAME_MACHINE.value
    conditions = (links.c.account_id == account.account_id, links.c.owned, links.c.linked_until.is_(None), observed)
    if keys is None:
        rows = (await connection.execute(select(links).where(*conditions))).mappings()
        return tuple(link_record(row, account.name) for row in rows)
    records: dict[int, LinkRecord] = {}
    for kind, ids in _batches(keys):
        touches = or_(
            (links.c.from_kind == kind.value) & links.c.from_vendor_id.in_(ids),
            (links.c.to_kind == kind.value) & links.c.to_vendor_id.in_(ids),
        )
        rows = (await connection.execute(select(links).where(*conditions, touches))).mappings()
        records |= {row["link_id"]: link_record(row, account.name) for row in rows}
    return tuple(records.values())


async def _ends(
    connection: AsyncConnection, account: LockedAccount, keys: Sequence[VendorKey]
) -> dict[VendorKey, UUID]:
    resource_ids: dict[VendorKey, UUID] = {}
    columns = select(resources.c.kind, resources.c.vendor_id, resources.c.resource_id)
    for kind, ids in _batches(keys):
        statement = columns.where(
            resources.c.account_id == account.account_id,
            resources.c.status != ResourceStatus.DELETED.value,
            resources.c.kind == kind.value,
            resources.c.vendor_id.in_(ids),
        )
        for row in await connection.execute(statement):
            resource_ids[VendorKey(ResourceKind(row.kind), row.vendor_id)] = UUID(row.resource_id)
    return resource_ids

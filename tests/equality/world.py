"""The contents of a database as plain values of the domain: written into a database, and read by the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import write_transaction
from db.record.account_sync import sync_accounts
from db.record.apply import write
from db.record.load import load, lock_account, scope_columns
from db.record.rows import scope_record
from db.tables import history
from domain.enums import ResourceKind, StaleReason
from domain.ports import AccountSetup
from domain.records.model import (
    Changes,
    HistoryEntry,
    LinkRecord,
    ProvenanceEntry,
    ResourceRecord,
    ScopeKey,
    ScopeRecord,
)
from domain.runtime_stats import BudgetLeft, CallCount

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""The time at which every request arrives."""


def ago(seconds: float) -> datetime:
    """Return an instant before NOW."""
    return NOW - timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class WorldAccount:
    """An account with its default max age in seconds. `links_owner` is the kind that owns its links, or None if it is unknown."""

    name: str
    vendor: str
    cooldown_seconds: float
    configured: bool = True
    links_owner: ResourceKind | None = ResourceKind.MACHINES


@dataclass(frozen=True, slots=True)
class WorldProvenance:
    """An entry of the offer history with the id of its offer."""

    entry: ProvenanceEntry
    offer_id: UUID


@dataclass(frozen=True, slots=True)
class WorldChange:
    """An entry of the history and its number. A `pruned` entry is no longer in the database."""

    seq: int
    entry: HistoryEntry
    pruned: bool = False


@dataclass
class EqualityWorld:
    """The contents of a database, the runtime statistics of a gateway over it, and the outcome of calls to its vendors.

    `failing` holds the reason of each scope whose sweep fails. Lists are in the order of insertion: resources, links and
    provenance account after account.
    """

    accounts: dict[str, WorldAccount] = field(default_factory=dict)
    scopes: list[ScopeRecord] = field(default_factory=list)
    resources: list[ResourceRecord] = field(default_factory=list)
    links: list[LinkRecord] = field(default_factory=list)
    provenance: list[WorldProvenance] = field(default_factory=list)
    history: list[WorldChange] = field(default_factory=list)
    budgets: dict[str, BudgetLeft] = field(default_factory=dict)
    calls: dict[str, CallCount] = field(default_factory=dict)
    failing: dict[ScopeKey, StaleReason] = field(default_factory=dict)

    @property
    def links_owner(self) -> Mapping[str, ResourceKind]:
        """The kind that owns the links of an account, if it is known."""
        accounts = self.accounts.values()
        return {account.name: account.links_owner for account in accounts if account.links_owner is not None}

    async def insert(self, engine: AsyncEngine) -> None:
        """Write the world into an empty, migrated database, with the functions that flights use.

        Links between resources of one machine are written as they are, and not derived.
        """
        async with write_transaction(engine) as connection:
            accounts = self.accounts.values()
            await sync_accounts(connection, [self._setup(account, everything=True) for account in accounts])
            rows = (await connection.execute(scope_columns())).mappings()
            ids = {scope.key: scope.scope_id for scope in map(scope_record, rows)}
            for scope in self.scopes:
                scope_id = ids[scope.key]
                in_scope = [resource for resource in self.resources if resource.scope_id == scope.scope_id]
                resources = tuple(replace(resource, scope_id=scope_id) for resource in in_scope)
                changes = Changes(scope=replace(scope, scope_id=scope_id), resources=resources)
                await _write(connection, scope.key, changes)
            await self._insert_rest(connection)
            configured = [account for account in accounts if account.configured]
            await sync_accounts(connection, [self._setup(account, everything=False) for account in configured])

    async def _insert_rest(self, connection: AsyncConnection) -> None:
        """Write what refers to resources: one account after the other, and the history in its order."""
        scope_of = {scope.key.account: scope.key for scope in self.scopes}
        for account, key in scope_of.items():
            links = tuple(link for link in self.links if link.account == account)
            entries = tuple(each.entry for each in self.provenance if each.entry.account == account)
            await _write(connection, key, Changes(opened=links, provenance=entries))
        for change in self.history:
            await _write(connection, scope_of[change.entry.account], Changes(history=(change.entry,)))
        count, last = (await connection.execute(select(func.count(), func.max(history.c.seq)))).one()
        if (count, last or 0) != (len(self.history), len(self.history)):
            raise RuntimeError("the history must be numbered from 1: the database was not empty")
        pruned = [change.seq for change in self.history if change.pruned]
        await connection.execute(delete(history).where(history.c.seq.in_(pruned)))

    def _setup(self, account: WorldAccount, *, everything: bool) -> AccountSetup:
        own = [scope for scope in self.scopes if scope.key.account == account.name]
        keys = tuple((scope.key.kind, scope.key.region) for scope in own if everything or scope.configured)
        return AccountSetup(account.name, account.vendor, account.cooldown_seconds, keys)


async def _write(connection: AsyncConnection, scope: ScopeKey, changes: Changes) -> None:
    account = await lock_account(connection, scope.account)
    await write(connection, account, await load(connection, account, scope, (), whole=False), changes)

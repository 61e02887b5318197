"""A record as plain values of the domain: what a database is filled with, and what the oracle looks at."""

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
"""When every request arrives."""


def ago(seconds: float) -> datetime:
    """An instant before NOW."""
    return NOW - timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Account:
    """An account, configured or not; default max age in seconds. `links_owner` None is not known."""

    name: str
    vendor: str
    cooldown_seconds: float
    configured: bool = True
    links_owner: ResourceKind | None = ResourceKind.MACHINES


@dataclass(frozen=True, slots=True)
class Provenance:
    """An entry with its offer's id."""

    entry: ProvenanceEntry
    offer_id: UUID


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the history and its number. What is `pruned` is no longer in the record."""

    seq: int
    entry: HistoryEntry
    pruned: bool = False


@dataclass
class World:
    """A whole record, what a gateway over it knows of itself, and what comes of asking its vendors.

    `failing`: why a scope cannot be asked, where it cannot. Lists are in the order of being recorded: resources, links and
    provenance account after account.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    scopes: list[ScopeRecord] = field(default_factory=list)
    resources: list[ResourceRecord] = field(default_factory=list)
    links: list[LinkRecord] = field(default_factory=list)
    provenance: list[Provenance] = field(default_factory=list)
    history: list[Change] = field(default_factory=list)
    budgets: dict[str, BudgetLeft] = field(default_factory=dict)
    calls: dict[str, CallCount] = field(default_factory=dict)
    failing: dict[ScopeKey, StaleReason] = field(default_factory=dict)

    @property
    def links_owner(self) -> Mapping[str, ResourceKind]:
        """The kind that owns an account's links, where it is known."""
        return {one.name: one.links_owner for one in self.accounts.values() if one.links_owner is not None}

    async def record(self, engine: AsyncEngine) -> None:
        """Write it into an empty, migrated database, by what flights write with.

        Links between records of one machine are written as they are, not worked out.
        """
        async with write_transaction(engine) as connection:
            await sync_accounts(connection, [self._setup(one, everything=True) for one in self.accounts.values()])
            found = (await connection.execute(scope_columns())).mappings()
            ids = {scope.key: scope.scope_id for scope in map(scope_record, found)}
            for scope in self.scopes:
                number = ids[scope.key]
                mine = [one for one in self.resources if one.scope_id == scope.scope_id]
                told = tuple(replace(one, scope_id=number) for one in mine)
                await _write(connection, scope.key, Changes(scope=replace(scope, scope_id=number), resources=told))
            await self._record_rest(connection)
            configured = [one for one in self.accounts.values() if one.configured]
            await sync_accounts(connection, [self._setup(one, everything=False) for one in configured])

    async def _record_rest(self, connection: AsyncConnection) -> None:
        """What refers to resources: one account after the other, the history in its own order."""
        scope_of = {scope.key.account: scope.key for scope in self.scopes}
        for account, key in scope_of.items():
            links = tuple(link for link in self.links if link.account == account)
            entries = tuple(one.entry for one in self.provenance if one.entry.account == account)
            await _write(connection, key, Changes(opened=links, provenance=entries))
        for change in self.history:
            await _write(connection, scope_of[change.entry.account], Changes(history=(change.entry,)))
        count, last = (await connection.execute(select(func.count(), func.max(history.c.seq)))).one()
        if (count, last or 0) != (len(self.history), len(self.history)):
            raise RuntimeError("an empty database numbers the history from 1")
        gone = [change.seq for change in self.history if change.pruned]
        await connection.execute(delete(history).where(history.c.seq.in_(gone)))

    def _setup(self, account: Account, *, everything: bool) -> AccountSetup:
        scopes = [one for one in self.scopes if one.key.account == account.name and (everything or one.configured)]
        keys = tuple((one.key.kind, one.key.region) for one in scopes)
        return AccountSetup(account.name, account.vendor, account.cooldown_seconds, keys)


async def _write(connection: AsyncConnection, scope: ScopeKey, changes: Changes) -> None:
    account = await lock_account(connection, scope.account)
    await write(connection, account, await load(connection, account, scope, (), whole=False), changes)

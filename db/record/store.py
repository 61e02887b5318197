"""The write side of the database. Every method is one short transaction, and applies of one account are serial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import synchronize
from db.engine import read_transaction, write_transaction
from db.record import apply, duplicates, load, pruning
from db.record.account_sync import sync_accounts
from db.record.rows import decode_timeline, resource_record, scope_record, timeline_row
from db.revision import bump
from db.tables import accounts, resources, scopes
from domain.enums import ResourceKind, ResourceStatus
from domain.ports import AccountSetup
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.records.timeline import AccountTimeline, Advance
from domain.timestamps import Clock, from_text, to_text


class Store:
    """Implements `domain.ports.RecordStore`.

    `clock` is the database's clock (see `db.database.Database.clock`). On PostgreSQL it is synchronized with the server at each
    flight.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def now(self) -> datetime:
        """Return the time of the database's clock."""
        return self._clock.now()

    async def configure(self, setups: Sequence[AccountSetup]) -> None:
        """Synchronize the recorded accounts and scopes with the configuration."""
        async with write_transaction(self._engine) as connection:
            await synchronize(connection, self._clock)
            if await sync_accounts(connection, setups):
                await duplicates.rebuild_links(connection, self.now())
            await bump(connection)

    async def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """Draw the account's next flight number. Raises KeyError if the account was never configured."""
        async with write_transaction(self._engine) as connection:
            await synchronize(connection, self._clock)
            locked = select(accounts).where(accounts.c.name == account).with_for_update(key_share=True)
            row = (await connection.execute(locked)).first()
            if row is None:
                raise KeyError(account)
            sent_at = self.now()
            pause = 0.0 if row.drawn_at is None else (sent_at - from_text(row.drawn_at)).total_seconds()
            timeline = advance(decode_timeline(row.elapsed, row.pauses), pause)
            values = {**timeline_row(timeline), "flight_no": row.flight_no + 1, "drawn_at": to_text(sent_at)}
            await connection.execute(update(accounts).where(accounts.c.account_id == row.account_id).values(values))
            return FlightTicket(row.flight_no + 1, sent_at, timeline)

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """Return every scope, configured or not."""
        async with read_transaction(self._engine) as connection:
            rows = (await connection.execute(load.scope_columns())).mappings()
            return tuple(scope_record(row) for row in rows)

    async def resource_counts(self) -> dict[ScopeKey, int]:
        """Return how many resources of each scope are recorded and not deleted; scopes without any are absent."""
        statement = (
            select(accounts.c.name, scopes.c.kind, scopes.c.region, func.count())
            .select_from(resources.join(scopes, scopes.c.scope_id == resources.c.scope_id))
            .join(accounts, accounts.c.account_id == scopes.c.account_id)
            .where(resources.c.status != ResourceStatus.DELETED.value)
            .group_by(accounts.c.name, scopes.c.kind, scopes.c.region)
        )
        async with read_transaction(self._engine) as connection:
            rows = await connection.execute(statement)
            return {ScopeKey(name, ResourceKind(kind), region or None): count for name, kind, region, count in rows}

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """Return the missing resources of a scope, those with the oldest probe first."""
        statement = (
            _resources_with_account()
            .join(scopes, scopes.c.scope_id == resources.c.scope_id)
            .where(
                accounts.c.name == scope.account,
                scopes.c.kind == scope.kind.value,
                scopes.c.region == (scope.region or ""),
                resources.c.missing_since.is_not(None),
                resources.c.status != ResourceStatus.DELETED.value,
            )
            .order_by(func.coalesce(resources.c.probed_at, ""), resources.c.missing_since, resources.c.resource_id)
            .limit(limit)
        )
        return await self._records(statement)

    async def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """Return the resources with these UUIDs. Unknown UUIDs are skipped."""
        texts = [str(resource_id) for resource_id in ids]
        return await self._records(_resources_with_account().where(resources.c.resource_id.in_(texts)))

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """Lock the account, load its state, decide and write, in one transaction. Return the written changes."""
        async with write_transaction(self._engine) as connection:
            account = await load.lock_account(connection, scope.account)
            state = await load.load(connection, account, scope, named, whole)
            changes = decide(state)
            await apply.write(connection, account, state, changes)
            await duplicates.update_links(connection, state, changes, self.now())
            await bump(connection)
            return changes

    async def prune(self, before: datetime) -> int:
        """Replace history older than `before` with one snapshot per resource. Return the number of removed entries."""
        async with read_transaction(self._engine) as connection:
            names = list(await connection.scalars(select(accounts.c.name).order_by(accounts.c.account_id)))
        removed = 0
        for name in names:
            async with write_transaction(self._engine) as connection:
                account = await load.lock_account(connection, name)
                removed += await pruning.prune(connection, account, to_text(before))
                await bump(connection)
        return removed

    async def _records(self, statement: Select[tuple[object, ...]]) -> tuple[ResourceRecord, ...]:
        async with read_transaction(self._engine) as connection:
            rows = (await connection.execute(statement)).mappings()
            return tuple(resource_record(row, row["account"]) for row in rows)


def _resources_with_account() -> Select[tuple[object, ...]]:
    joined = resources.join(accounts, accounts.c.account_id == resources.c.account_id)
    return select(resources, accounts.c.name.label("account")).select_from(joined)

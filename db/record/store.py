"""The record's write side: every method is one short transaction; applies of one account are serial."""

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
from db.record.rows import resource_record, scope_record
from db.revision import bump
from db.tables import accounts, resources, scopes
from domain.enums import ResourceStatus
from domain.ports import AccountSetup
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.timestamps import Clock, to_text


class Store:
    """`domain.ports.RecordStore` on a database. The clock is the database's: SQLite runs in our process, so it is ours.

    On PostgreSQL a `db.clock.DatabaseClock` is compared with the server's at each flight.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def now(self) -> datetime:
        """The record's clock."""
        return self._clock.now()

    async def configure(self, setups: Sequence[AccountSetup]) -> None:
        """Bring accounts and scopes in line with the configuration."""
        async with write_transaction(self._engine) as connection:
            await synchronize(connection, self._clock)
            if await sync_accounts(connection, setups):
                await duplicates.rejoin(connection, self.now())
            await bump(connection)

    async def draw(self, account: str) -> FlightTicket:
        """Draw the account's next flight number. Raises KeyError for an account that was never configured."""
        async with write_transaction(self._engine) as connection:
            await synchronize(connection, self._clock)
            number = await connection.scalar(
                update(accounts)
                .where(accounts.c.name == account)
                .values(flight_no=accounts.c.flight_no + 1)
                .returning(accounts.c.flight_no)
            )
            if number is None:
                raise KeyError(account)
            return FlightTicket(number, self.now())

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """Every scope, configured or not."""
        async with read_transaction(self._engine) as connection:
            rows = (await connection.execute(load.scope_columns())).mappings()
            return tuple(scope_record(row) for row in rows)

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """The marked resources of a scope, longest not probed first."""
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
        """The resources of these UUIDs that exist."""
        wanted = [str(resource_id) for resource_id in ids]
        return await self._records(_resources_with_account().where(resources.c.resource_id.in_(wanted)))

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """Lock the account, read what is held, decide, write; all in one transaction."""
        async with write_transaction(self._engine) as connection:
            account = await load.lock_account(connection, scope.account)
            state = await load.load(connection, account, scope, named, whole)
            changes = decide(state)
            await apply.write(connection, account, state, changes)
            await duplicates.follow(connection, state, changes, self.now())
            await bump(connection)
            return changes

    async def prune(self, before: datetime) -> int:
        """Fold the history older than `before` into one snapshot a resource; answers how many entries went."""
        async with read_transaction(self._engine) as connection:
            names = list(await connection.scalars(select(accounts.c.name).order_by(accounts.c.account_id)))
        gone = 0
        for name in names:
            async with write_transaction(self._engine) as connection:
                account = await load.lock_account(connection, name)
                gone += await pruning.prune(connection, account, to_text(before))
                await bump(connection)
        return gone

    async def _records(self, statement: Select[tuple[object, ...]]) -> tuple[ResourceRecord, ...]:
        async with read_transaction(self._engine) as connection:
            rows = (await connection.execute(statement)).mappings()
            return tuple(resource_record(row, row["account"]) for row in rows)


def _resources_with_account() -> Select[tuple[object, ...]]:
    joined = resources.join(accounts, accounts.c.account_id == resources.c.account_id)
    return select(resources, accounts.c.name.label("account")).select_from(joined)
